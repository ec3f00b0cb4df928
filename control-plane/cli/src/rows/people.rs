//! Members and tokens.

use gimlet_shared::api::{Member, NewTokenSecret, Token};
use time::OffsetDateTime;

use crate::output::{Cell, Column, Details, Record, age, moment};

impl Record for Member {
    const COLUMNS: &'static [Column] =
        &[Column::always("MEMBER"), Column::always("ROLE"), Column::always("SINCE")];
    const NONE_YET: &'static str = "no members";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            self.login.as_str().into(),
            self.role.as_str().into(),
            age(now, &self.created_at).into(),
        ]
    }

    fn name(&self) -> String {
        self.login.clone()
    }
}

impl Record for Token {
    const COLUMNS: &'static [Column] = &[
        Column::always("TOKEN"),
        Column::always("MEMBER"),
        Column::always("LAST USED"),
        Column::always("EXPIRES"),
        Column::always("ID"),
        Column::wide("MADE"),
    ];
    const NONE_YET: &'static str = "no tokens; make one with `gimlet token create NAME`";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        let expires = self.expires_at.as_deref().map(|at| moment(now, at));
        vec![
            self.name.as_str().into(),
            self.member.as_str().into(),
            self.last_used_at.as_deref().map_or("never".to_owned(), |at| age(now, at)).into(),
            expires.unwrap_or_else(|| "never".to_owned()).into(),
            self.id.as_str().into(),
            age(now, &self.created_at).into(),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

impl Record for NewTokenSecret {
    const COLUMNS: &'static [Column] = Token::COLUMNS;
    const NONE_YET: &'static str = Token::NONE_YET;

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        self.token.cells(now)
    }

    fn name(&self) -> String {
        self.token.id.clone()
    }

    fn details(&self, _now: OffsetDateTime) -> Details {
        let mut details = Details::default();
        details
            .field("token", self.token.name.as_str())
            .field("secret", self.secret.as_str())
            .field("id", self.token.id.as_str());
        details
    }
}
