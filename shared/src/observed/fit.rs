//! Keeps one observation small enough for a report.

use super::{
    ContainerState, FluxState, GatewayState, IngressState, Observation, ObservedState, PodState,
    RouteState, ServiceState, WorkloadState,
};

/// Bytes that each text may keep, tried from the longest on.
const STEPS: [usize; 4] = [4096, 1024, 256, 64];

/// Entries that each list may keep once texts alone do not make it fit.
const LIST: usize = 64;

impl Observation {
    /// Its length as JSON, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counted = Counted(0);
        // Counting cannot fail, and what cannot be written would not be sent either.
        let _ = serde_json::to_writer(&mut counted, self);
        counted.0
    }

    /// Itself, with texts and then lists cut until its JSON has at most `max` bytes.
    ///
    /// A pod with many containers in trouble is the case for it: each brings some kilobytes of text.
    #[must_use]
    pub fn fitted(mut self, max: usize) -> Self {
        for keep in STEPS {
            if self.encoded_len() <= max {
                return self;
            }
            self.state.shorten(keep, usize::MAX);
        }
        if self.encoded_len() > max {
            self.state.shorten(STEPS[STEPS.len() - 1], LIST);
        }
        self
    }
}

impl ObservedState {
    fn shorten(&mut self, keep: usize, list: usize) {
        match self {
            Self::Source(state) | Self::Applier(state) => state.shorten(keep),
            Self::Workload(state) => state.shorten(keep, list),
            Self::Pod(state) => state.shorten(keep, list),
            Self::Ingress(state) => state.shorten(keep, list),
            Self::Route(state) => state.shorten(keep, list),
            Self::Gateway(state) => state.shorten(keep, list),
            Self::Service(state) => state.shorten(keep, list),
            Self::Unknown => {}
        }
    }
}

impl IngressState {
    fn shorten(&mut self, keep: usize, list: usize) {
        self.rules.truncate(list);
        for rule in &mut self.rules {
            cut(&mut rule.host, keep);
            cut(&mut rule.path, keep);
        }
        shorten_all(&mut self.tls_hosts, keep, list);
        shorten_all(&mut self.addresses, keep, list);
    }
}

impl RouteState {
    fn shorten(&mut self, keep: usize, list: usize) {
        shorten_all(&mut self.hosts, keep, list);
        cut(&mut self.path, keep);
        self.gateways.truncate(list);
    }
}

impl GatewayState {
    fn shorten(&mut self, keep: usize, list: usize) {
        self.listeners.truncate(list);
        shorten_all(&mut self.addresses, keep, list);
    }
}

impl ServiceState {
    fn shorten(&mut self, keep: usize, list: usize) {
        shorten_all(&mut self.addresses, keep, list);
        self.ports.truncate(list);
    }
}

fn shorten_all(texts: &mut Vec<String>, keep: usize, list: usize) {
    texts.truncate(list);
    texts.iter_mut().for_each(|text| cut(text, keep));
}

impl FluxState {
    fn shorten(&mut self, keep: usize) {
        let optional =
            [&mut self.reconciling, &mut self.applied_revision, &mut self.attempted_revision];
        for text in optional.into_iter().flatten() {
            cut(text, keep);
        }
        cut(&mut self.reason, keep);
        cut(&mut self.message, keep);
        self.handled_request.iter_mut().for_each(|text| cut(text, keep));
    }
}

impl WorkloadState {
    fn shorten(&mut self, keep: usize, list: usize) {
        if let Some(stuck) = &mut self.stuck {
            cut(&mut stuck.reason, keep);
            cut(&mut stuck.message, keep);
        }
        self.images.truncate(list);
        self.images.iter_mut().for_each(|image| cut(image, keep));
    }
}

impl PodState {
    fn shorten(&mut self, keep: usize, list: usize) {
        if let Some(trouble) = &mut self.trouble {
            cut(&mut trouble.reason, keep);
            cut(&mut trouble.message, keep);
        }
        self.containers.truncate(list);
        self.containers.iter_mut().for_each(|container| container.shorten(keep));
    }
}

impl ContainerState {
    fn shorten(&mut self, keep: usize) {
        cut(&mut self.image, keep);
        if let Some(waiting) = &mut self.waiting {
            cut(&mut waiting.reason, keep);
            cut(&mut waiting.message, keep);
        }
        if let Some(terminated) = &mut self.terminated {
            cut(&mut terminated.reason, keep);
            cut(&mut terminated.message, keep);
        }
        self.probe_failure.iter_mut().for_each(|text| cut(text, keep));
        // The newest lines say most, so the oldest go first.
        let mut bytes: usize = self.last_lines.iter().map(String::len).sum();
        let mut drop = 0;
        while bytes > keep && drop < self.last_lines.len() {
            bytes -= self.last_lines[drop].len();
            drop += 1;
        }
        self.last_lines.drain(..drop);
    }
}

/// Cuts a text to at most `keep` bytes, between characters.
pub fn cut(text: &mut String, keep: usize) {
    text.truncate(text.floor_char_boundary(keep));
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{ObjectKey, Termination, Trouble};

    fn pod(containers: usize, text: usize) -> Observation {
        let long = || "\"".repeat(text);
        let container = || ContainerState {
            name: "web".into(),
            image: long(),
            waiting: Some(Trouble { reason: "CrashLoopBackOff".into(), message: long() }),
            terminated: Some(Termination { message: long(), ..Termination::default() }),
            probe_failure: Some(long()),
            last_lines: vec![long(), "the end".into()],
            ..ContainerState::default()
        };
        Observation {
            key: ObjectKey { kind: "Pod".into(), namespace: "shop".into(), name: "web-1".into() },
            state: ObservedState::Pod(PodState {
                containers: (0..containers).map(|_| container()).collect(),
                ..PodState::default()
            }),
        }
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let small = pod(2, 100);
        assert_eq!(small.clone().fitted(64 * 1024), small);
    }

    #[test]
    fn long_texts_are_cut_before_containers_are_left_out() {
        let fitted = pod(12, 4096).fitted(64 * 1024);
        assert!(fitted.encoded_len() <= 64 * 1024);
        let ObservedState::Pod(pod) = fitted.state else { panic!() };
        assert_eq!(pod.containers.len(), 12);
        assert_eq!(pod.containers[0].last_lines, ["the end"]);
    }

    #[test]
    fn even_a_monster_fits() {
        assert!(pod(2_000, 4096).fitted(85 * 1024).encoded_len() <= 85 * 1024);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut text = "aßß".to_owned();
        cut(&mut text, 2);
        assert_eq!(text, "a");
    }
}
