//! Whose image an application runs.

use super::*;
use crate::parse::parse_manifest;
use crate::resolve::resolve;

fn image(chart: &str, values: &str) -> Result<Option<Image>, ManifestError> {
    let text = format!("app: a\nenv: e\nnamespace: n\nchart: {{{chart}}}\nvalues: {{{values}}}\n");
    let manifest = parse_manifest("x.yaml", &text).unwrap().manifest;
    resolve(&manifest, &[("SHA", "abc")].into_iter().collect()).unwrap().image()
}

fn some(chart: &str, values: &str) -> Image {
    image(chart, values).unwrap().expect(values)
}

#[test]
fn every_strategy_has_its_word() {
    for (word, strategy) in [
        ("static", ImageStrategy::Static),
        ("dynamic", ImageStrategy::Dynamic),
        ("dockerfile", ImageStrategy::Dockerfile),
        ("buildpacks", ImageStrategy::Buildpacks),
        ("static-site", ImageStrategy::StaticSite),
    ] {
        let image = some("name: onechart", &format!("image: {{strategy: {word}}}"));
        assert_eq!((image.stated, image.strategy()), (Some(strategy), strategy));
    }
    let error = image("name: onechart", "image: {strategy: docker}").unwrap_err();
    assert_eq!((error.path(), error.line()), ("values.image.strategy", Some(5)));
}

#[test]
fn the_fields_are_read_after_variables() {
    let image = some(
        "name: onechart",
        "image: {repository: r/a, tag: '{{ .SHA }}', registry: public, dockerfile: D}",
    );
    assert_eq!((image.repository.as_str(), image.tag.as_str()), ("r/a", "abc"));
    assert_eq!((image.registry.as_str(), image.dockerfile.as_str()), ("public", "D"));
    assert_eq!(image.context, ".");
    assert_eq!(some("name: onechart", "image: {context: web}").context, "web");
}

#[test]
fn only_who_asks_for_ci_waits_for_it() {
    let silent = some("name: onechart", "image: {tag: x}");
    assert_eq!((silent.strategy(), silent.waits_for_ci()), (ImageStrategy::Dynamic, false));
    assert!(some("name: onechart", "image: {strategy: dynamic}").waits_for_ci());
}

#[test]
fn a_chart_for_sites_says_so_itself() {
    for chart in
        ["name: static-site", "name: static-site, repository: 'https://chart.onechart.dev/'"]
    {
        assert_eq!(some(chart, "").stated, Some(ImageStrategy::StaticSite), "{chart}");
    }
    assert_eq!(image("name: static-site, repository: 'https://other.test'", "").unwrap(), None);
    assert_eq!(image("name: onechart", "replicas: 1").unwrap(), None);
}

#[test]
fn only_two_strategies_build_on_the_cluster() {
    use ImageStrategy::{Buildpacks, Dockerfile, Dynamic, Static, StaticSite};
    assert!([Dockerfile, Buildpacks].into_iter().all(ImageStrategy::is_built_on_the_cluster));
    assert!(![Static, Dynamic, StaticSite].into_iter().any(ImageStrategy::is_built_on_the_cluster));
}
