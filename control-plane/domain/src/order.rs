//! Which of several releases of one application goes first.

use gimlet_shared::ids::ReleaseId;

use crate::release::Trigger;

/// A release that waits to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The release; ids sort by request time.
    pub id: ReleaseId,
    /// Who asked.
    pub trigger: Trigger,
    /// Its artifact is older than the one released last.
    pub older_than_released: bool,
}

/// What to do with the waiting releases of one application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The one to write.
    pub write: Option<ReleaseId>,
    /// Those that end superseded, and by whom.
    pub overtaken: Vec<(ReleaseId, Option<ReleaseId>)>,
}

/// The newest waiting release wins. One by policy of an artifact older than the last released one ends
/// superseded; releases by hand, rollbacks and deletions are exempt from that.
#[must_use]
pub fn next_turn(mut waiting: Vec<Waiting>) -> Turn {
    waiting.sort_by_key(|release| release.id);
    let mut turn = Turn::default();
    while let Some(newest) = waiting.pop() {
        let stale = newest.older_than_released && newest.trigger == Trigger::Policy;
        match turn.write {
            Some(winner) => turn.overtaken.push((newest.id, Some(winner))),
            None if stale => turn.overtaken.push((newest.id, None)),
            None => turn.write = Some(newest.id),
        }
    }
    turn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(trigger: Trigger, older_than_released: bool) -> Waiting {
        Waiting { id: ReleaseId::new(), trigger, older_than_released }
    }

    #[test]
    fn the_newest_waiting_release_wins() {
        let (first, second) = (waiting(Trigger::Policy, false), waiting(Trigger::Policy, false));
        let turn = next_turn(vec![second.clone(), first.clone()]);
        let winner = first.id.max(second.id);
        assert_eq!(turn.write, Some(winner));
        assert_eq!(turn.overtaken, [(first.id.min(second.id), Some(winner))]);
    }

    #[test]
    fn a_late_push_by_policy_does_not_go_back_in_time() {
        let stale = waiting(Trigger::Policy, true);
        assert_eq!(
            next_turn(vec![stale.clone()]),
            Turn { write: None, overtaken: vec![(stale.id, None)] }
        );
    }

    #[test]
    fn a_person_may_go_back_in_time() {
        let by_hand = waiting(Trigger::Person("ana".into()), true);
        assert_eq!(next_turn(vec![by_hand.clone()]).write, Some(by_hand.id));
    }
}
