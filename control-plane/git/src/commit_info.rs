//! What a commit says about itself.

use gix::bstr::{BStr, ByteSlice};
use time::OffsetDateTime;

use crate::CommitId;

/// The most of a commit message that is kept, in bytes.
const LARGEST_MESSAGE: usize = 16 << 10;

/// The most of a person's name or address that is kept, in bytes.
const LARGEST_NAME: usize = 1 << 10;

/// One commit, decoded. Text that is no UTF-8 is shown with replacement characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit itself.
    pub id: CommitId,
    /// Its parents, first parent first; empty for a first commit.
    pub parents: Vec<CommitId>,
    /// Who wrote the change.
    pub author: Person,
    /// Who committed it, and when it came into this history.
    pub committer: Person,
    /// The message, trailers included; of a longer one the first 16 KiB, with `…`.
    pub message: String,
    /// The trailers of the message's last paragraph, in order: key and value.
    pub trailers: Vec<(String, String)>,
}

/// An author or committer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name as the commit gives it, at most 1 KiB; any text, also none.
    pub name: String,
    /// The e-mail address as the commit gives it, at most 1 KiB; any text, also none.
    pub email: String,
    /// The time in UTC, to the second; 1970 where the commit gives none that can be read.
    pub time: OffsetDateTime,
}

impl CommitInfo {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The value of the last trailer of that name; names ignore case, as git does.
    pub fn trailer(&self, key: &str) -> Option<&str> {
        let mut same_key =
            self.trailers.iter().rev().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        same_key.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn decode(commit: &gix::Commit<'_>) -> Result<Self, gix::Error> {
        let decoded = commit.decode()?;
        let trailers = decoded.message_trailers();
        Ok(Self {
            id: commit.id.into(),
            parents: commit.parent_ids().map(|id| id.detach().into()).collect(),
            author: Person::decode(decoded.author),
            committer: Person::decode(decoded.committer),
            message: cut(decoded.message, LARGEST_MESSAGE),
            trailers: trailers.map(|t| (lossy(t.token), lossy(t.value.as_ref()))).collect(),
        })
    }
}

impl Person {
    /// Old histories hold malformed signatures; a commit with one is still a commit.
    fn decode(signature: &BStr) -> Self {
        let unknown =
            || Self { name: String::new(), email: String::new(), time: OffsetDateTime::UNIX_EPOCH };
        gix::actor::SignatureRef::from_bytes(signature).map_or_else(
            |_| unknown(),
            |actor| Self {
                name: cut(actor.name.trim().as_bstr(), LARGEST_NAME),
                email: cut(actor.email.trim().as_bstr(), LARGEST_NAME),
                time: OffsetDateTime::from_unix_timestamp(actor.seconds())
                    .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            },
        )
    }
}

/// The front of a text; a push of some kilobytes can bring a message of gigabytes.
fn cut(text: &BStr, most: usize) -> String {
    if text.len() <= most {
        return lossy(text);
    }
    let front = lossy(text[..most].as_bstr());
    // Room for the mark, and for the replacement of a character that was cut in two.
    format!("{}…", &front[..front.floor_char_boundary(most - 8)])
}

fn lossy(text: &BStr) -> String {
    text.to_str_lossy().into_owned()
}
