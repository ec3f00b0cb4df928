//! Members of the organization, and their API tokens.

use std::time::Duration;

use gimlet_domain::role::Role;
use gimlet_shared::{
    api,
    ids::{TokenId, UserId},
};
use gimlet_store::{
    ApiToken, Member, MemberChange, NewToken, TenantScope, TokenFilter, TokenOwner,
};

use crate::{
    App, AppError,
    artifacts::{cursor, next_cursor, page_size},
    auth::check_token_name,
    secrets,
    state::require,
};

/// A token that lapses, lapses within ten years.
const MOST_DAYS: u32 = 3650;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A member as a caller has seen it.
#[derive(Clone, Debug)]
pub struct SeenMember(Member);

impl App {
    /// The member behind a scope as they are now, by the same credential. Streams that stay open ask at
    /// least once a minute, and end on `None`: revoked, lapsed or removed.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn recheck(&self, scope: &TenantScope) -> Result<Option<TenantScope>, AppError> {
        Ok(self.parts().store.find_scope_again(scope, self.now()).await?)
    }

    /// A page of members, in the order in which they came to this server.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn list_members(
        &self,
        scope: &TenantScope,
        query: api::PageQuery,
    ) -> Result<api::Page<api::Member>, AppError> {
        let limit = page_size(query.limit)?;
        let after = cursor::<UserId>(query.cursor.as_deref())?;
        let store = &self.parts().store;
        let mut rows = store.list_members(scope, after, u64::from(limit) + 1).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| row.user.to_string());
        Ok(api::Page { items: rows.into_iter().map(member_view).collect(), next_cursor })
    }

    /// One member.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn member(&self, scope: &TenantScope, login: &str) -> Result<api::Member, AppError> {
        Ok(self.see_member(scope, login).await?.0)
    }

    /// One member, and what to hand to a change that is to meet just this.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn see_member(
        &self,
        scope: &TenantScope,
        login: &str,
    ) -> Result<(api::Member, SeenMember), AppError> {
        let found = self.parts().store.find_member(scope, login).await?;
        let found = found.ok_or(AppError::NotFound { what: "the member" })?;
        Ok((member_view(found.clone()), SeenMember(found)))
    }

    /// Gives a member another role; it counts from the next request on.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for who is no admin, or reaches above their own role;
    /// [`AppError::NotFound`], [`AppError::Invalid`]; [`AppError::Conflict`] for the last owner;
    /// [`AppError::Changed`] where the member is not what was seen.
    pub async fn set_member_role(
        &self,
        scope: &TenantScope,
        login: &str,
        request: api::MemberRole,
        seen: Option<SeenMember>,
    ) -> Result<api::Member, AppError> {
        require(scope, Role::Admin)?;
        let role: Role =
            request.role.parse().map_err(|error: gimlet_domain::role::UnknownRole| {
                AppError::invalid("role", error.to_string())
            })?;
        let store = &self.parts().store;
        let seen = seen.as_ref().map(|seen| &seen.0);
        changed(store.set_member_role(scope, login, role, seen, self.now()).await?)?;
        self.tell_activity(scope.organization());
        self.member(scope, login).await
    }

    /// Takes a member out: sessions, tokens and open streams end within a minute.
    ///
    /// # Errors
    /// As [`App::set_member_role`]; everyone may remove themselves.
    pub async fn remove_member(
        &self,
        scope: &TenantScope,
        login: &str,
        seen: Option<SeenMember>,
    ) -> Result<(), AppError> {
        if login != scope.login() {
            require(scope, Role::Admin)?;
        }
        let (store, seen) = (&self.parts().store, seen.as_ref().map(|seen| &seen.0));
        changed(store.remove_member(scope, login, seen, self.now()).await?)?;
        self.tell_activity(scope.organization());
        Ok(())
    }

    /// A page of API tokens that work, oldest first: the caller's own, or everyone's.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for everyone's where the caller is no admin; [`AppError::Invalid`].
    pub async fn list_tokens(
        &self,
        scope: &TenantScope,
        query: api::TokenQuery,
    ) -> Result<api::Page<api::Token>, AppError> {
        let owner = match query.all {
            Some(true) => {
                require(scope, Role::Admin)?;
                TokenOwner::Everyone
            }
            Some(false) | None => TokenOwner::Caller,
        };
        let limit = page_size(query.limit)?;
        let after = cursor::<TokenId>(query.cursor.as_deref())?;
        let filter = TokenFilter { owner, after, limit: u64::from(limit) + 1 };
        let mut rows = self.parts().store.list_tokens(scope, filter, self.now()).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| row.id.to_string());
        Ok(api::Page { items: rows.into_iter().map(token_view).collect(), next_cursor })
    }

    /// Makes an API token of the caller. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`AppError::Invalid`].
    pub async fn create_token(
        &self,
        scope: &TenantScope,
        request: api::NewToken,
    ) -> Result<api::NewTokenSecret, AppError> {
        if let Some(done) = self.done_before::<api::NewTokenSecret>(scope)? {
            let id = done.id::<TokenId>()?.to_string();
            let token = api::Token { id, ..done.kept.token };
            return Ok(api::NewTokenSecret { token, ..done.kept });
        }
        check_token_name(&request.name)?;
        let now = self.now();
        let expires_at = match request.expires_in_days {
            None => None,
            Some(days @ 1..=MOST_DAYS) => Some(now.after(DAY * days)),
            Some(_) => {
                let rule = format!("must be 1 to {MOST_DAYS}");
                return Err(AppError::invalid("expires_in_days", rule));
            }
        };
        let secret = secrets::new_secret("gim");
        let hash = secrets::hash(&secret);
        let new = NewToken { hash: &hash, name: &request.name, expires_at };
        let token = api::Token {
            id: String::new(),
            name: request.name.clone(),
            member: scope.login().to_owned(),
            created_at: now.rfc3339(),
            last_used_at: None,
            expires_at: expires_at.map(|at| at.rfc3339()),
        };
        let kept = api::NewTokenSecret { secret, token };
        let made = self.parts().store.create_token(&self.keeping(scope, &kept)?, new, now).await?;
        self.tell_activity(scope.organization());
        Ok(api::NewTokenSecret { token: token_view(made), ..kept })
    }

    /// Revokes an API token: one's own, or anyone's for admins. Open streams end within a minute.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn revoke_token(&self, scope: &TenantScope, id: TokenId) -> Result<(), AppError> {
        let owner = match scope.role() {
            Role::Owner | Role::Admin => TokenOwner::Everyone,
            Role::Developer | Role::Viewer => TokenOwner::Caller,
        };
        if !self.parts().store.revoke_token(scope, owner, id, self.now()).await? {
            return Err(AppError::NotFound { what: "the token" });
        }
        self.tell_activity(scope.organization());
        Ok(())
    }
}

fn changed(end: MemberChange) -> Result<Member, AppError> {
    match end {
        MemberChange::Done(before) => Ok(before),
        MemberChange::Absent => Err(AppError::NotFound { what: "the member" }),
        MemberChange::TooHigh => Err(AppError::Forbidden { needs: Role::Owner }),
        MemberChange::Changed => Err(AppError::Changed { what: "the member" }),
        MemberChange::LastOwner => Err(AppError::Conflict {
            detail: "this is the last owner of the organization; make someone else an owner first"
                .to_owned(),
        }),
    }
}

fn member_view(member: Member) -> api::Member {
    api::Member {
        login: member.login,
        role: member.role.as_str().to_owned(),
        created_at: member.created_at.rfc3339(),
    }
}

fn token_view(token: ApiToken) -> api::Token {
    api::Token {
        id: token.id.to_string(),
        name: token.name,
        member: token.login,
        created_at: token.created_at.rfc3339(),
        last_used_at: token.last_used_at.map(|at| at.rfc3339()),
        expires_at: token.expires_at.map(|at| at.rfc3339()),
    }
}
