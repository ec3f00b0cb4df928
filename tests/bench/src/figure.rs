//! What a measurement says: one JSON object a line.

use serde::Serialize;

/// One figure with its goal and its peer.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The benchmark and what of it, such as `gitops-commits/rate`.
    pub name: String,
    /// The median over all rounds, in `unit`.
    pub value: f64,
    /// What is counted.
    pub unit: &'static str,
    /// What it should be; `null` where nothing was promised.
    pub goal: Option<Goal>,
    /// Whether it is.
    pub met: Option<bool>,
    /// The same work done by somebody else in the same run.
    pub peer: Option<Peer>,
    /// Ours over the peer's.
    pub ratio: Option<f64>,
    /// Each round's value, in order.
    pub rounds: Vec<f64>,
}

/// The bound that a figure should keep.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// No more than this.
    Max(f64),
    /// No less than this.
    Min(f64),
}

/// Somebody else's figure for the same work.
#[derive(Clone, Debug, Serialize)]
pub struct Peer {
    /// Who.
    pub name: &'static str,
    /// The median over all rounds.
    pub value: f64,
}

impl Figure {
    /// A figure whose value is the median of its rounds, of which there is at least one.
    pub fn of(name: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Self {
        let name = name.into();
        let value = median(&rounds);
        Self { name, value, unit, goal: None, met: None, peer: None, ratio: None, rounds }
    }

    /// With what it should be.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self.met = Some(match goal {
            Goal::Max(bound) => self.value <= bound,
            Goal::Min(bound) => self.value >= bound,
        });
        self
    }

    /// With what somebody else needed.
    pub fn peer(mut self, name: &'static str, rounds: &[f64]) -> Self {
        let value = median(rounds);
        self.ratio = (value != 0.0).then(|| self.value / value);
        self.peer = Some(Peer { name, value });
        self
    }

    /// The figure as one line of JSON.
    ///
    /// # Errors
    /// When a value is no number.
    pub fn line(&self) -> anyhow::Result<String> {
        anyhow::ensure!(self.value.is_finite(), "{} is no number", self.name);
        Ok(serde_json::to_string(self)?)
    }
}

/// The middle of all values; of an even number, the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The value that `share` (0 to 1) of all values do not exceed.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_percentile_one_of_the_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 0.5), percentile(&hundred, 0.99)), (50.0, 99.0));
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn a_line_holds_goal_peer_and_ratio() {
        let figure = Figure::of("a/b", "1/s", vec![10.0]).goal(Goal::Min(5.0)).peer("git", &[2.0]);
        assert_eq!(
            figure.line().unwrap(),
            r#"{"name":"a/b","value":10.0,"unit":"1/s","goal":{"min":5.0},"met":true,"peer":{"name":"git","value":2.0},"ratio":5.0,"rounds":[10.0]}"#
        );
        assert!(Figure::of("a", "s", Vec::new()).line().is_err());
    }
}
