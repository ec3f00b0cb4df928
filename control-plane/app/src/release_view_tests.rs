use gimlet_domain::{cause::CauseCode, release::Trigger};
use gimlet_shared::ids::{ApplicationId, ArtifactId, EnvironmentId, OrganizationId, ReleaseId};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Requested at 0; the marks are seconds.
fn release(state: ReleaseState, marks: [Option<i64>; 3], finished_at: Option<i64>) -> Release {
    let [committed_at, fetched_at, applied_at] = marks.map(|mark| mark.map(at));
    let artifact = ArtifactId::new();
    Release {
        id: ReleaseId::new(),
        organization_id: OrganizationId::new(),
        environment_id: EnvironmentId::new(),
        application_id: ApplicationId::new(),
        app: "web".to_owned(),
        namespace: "shop".to_owned(),
        artifact: Some(artifact),
        intent: Intent::Deploy { artifact },
        trigger: Trigger::Policy,
        state,
        requested_at: at(0),
        deadline_at: at(300),
        committed_at,
        fetched_at,
        applied_at,
        finished_at: finished_at.map(at),
        attempts: 0,
        due_at: at(0),
        note: None,
        revision: 1,
    }
}

/// `name state milliseconds` of each step, at second 100.
fn shown(release: &Release) -> Vec<String> {
    let show = |step: api::Step| match step.duration_ms {
        Some(duration) => format!("{} {} {duration}", step.name, step.state),
        None => format!("{} {}", step.name, step.state),
    };
    steps(release, at(100)).into_iter().map(show).collect()
}

fn commit() -> String {
    "c1".to_owned()
}

fn cause() -> cause::Cause {
    cause::Cause::new(CauseCode::CrashLoop, "it crashes", "read its last lines")
}

#[test]
fn the_first_step_without_an_end_runs_and_those_behind_it_wait() {
    let queued = release(ReleaseState::Queued, [None; 3], None);
    assert_eq!(
        shown(&queued),
        ["written running 100000", "fetched waiting", "applied waiting", "healthy waiting"]
    );
    let committed =
        release(ReleaseState::Committed { commit: commit() }, [Some(2), None, None], None);
    assert_eq!(
        shown(&committed),
        ["written done 2000", "fetched running 98000", "applied waiting", "healthy waiting"]
    );
    let observed =
        release(ReleaseState::Observed { commit: commit() }, [Some(2), Some(3), Some(7)], None);
    assert_eq!(
        shown(&observed),
        ["written done 2000", "fetched done 1000", "applied done 4000", "healthy running 93000"]
    );
}

#[test]
fn a_healthy_release_has_done_every_step_even_if_not_all_were_seen() {
    let state = || ReleaseState::Healthy { commit: commit() };
    let seen = release(state(), [Some(2), Some(3), Some(7)], Some(9));
    assert_eq!(
        shown(&seen),
        ["written done 2000", "fetched done 1000", "applied done 4000", "healthy done 2000"]
    );
    let unseen = release(state(), [Some(2), None, None], Some(9));
    assert_eq!(
        shown(&unseen),
        ["written done 2000", "fetched done 7000", "applied done 0", "healthy done 0"]
    );
}

#[test]
fn a_bad_end_fails_the_step_it_came_in_and_says_why() {
    let degraded = ReleaseState::Degraded { commit: commit(), cause: cause() };
    let degraded = release(degraded, [Some(2), Some(3), Some(7)], Some(20));
    assert_eq!(
        shown(&degraded),
        ["written done 2000", "fetched done 1000", "applied done 4000", "healthy failed 13000"]
    );
    let errors: Vec<_> = steps(&degraded, at(100)).into_iter().map(|step| step.error).collect();
    assert_eq!(errors, [None, None, None, Some("it crashes".to_owned())]);

    let timed_out = ReleaseState::TimedOut { commit: Some(commit()), cause: cause() };
    let timed_out = release(timed_out, [Some(2), None, None], Some(300));
    assert_eq!(
        shown(&timed_out),
        ["written done 2000", "fetched failed 298000", "applied skipped", "healthy skipped"]
    );
    let failed = release(ReleaseState::Failed { cause: cause() }, [None; 3], Some(1));
    assert_eq!(
        shown(&failed),
        ["written failed 1000", "fetched skipped", "applied skipped", "healthy skipped"]
    );
}

#[test]
fn what_a_newer_release_took_over_is_skipped_and_no_failure() {
    let state = ReleaseState::Superseded { commit: Some(commit()), by: None };
    let superseded = release(state, [Some(2), Some(3), None], Some(5));
    assert_eq!(
        shown(&superseded),
        ["written done 2000", "fetched done 1000", "applied skipped 2000", "healthy skipped"]
    );
    assert!(steps(&superseded, at(100)).iter().all(|step| step.error.is_none()));
}

#[test]
fn a_deletion_ends_with_nothing_left() {
    let state = ReleaseState::Healthy { commit: commit() };
    let mut gone = release(state, [Some(2), Some(3), Some(4)], Some(5));
    gone.intent = Intent::Delete;
    assert_eq!(shown(&gone)[3], "gone done 1000");
}
