use super::*;

fn faults_of(file: &str) -> Vec<Fault> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gimlet.toml");
    std::fs::write(&path, file).expect("file");
    Config::load(Settings::of_file(path)).expect_err("must be refused").0
}

/// Line and column, key, and the whole sentence without its place.
fn told(file: &str) -> (usize, usize, String, String) {
    let faults = faults_of(file);
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    let Some(Origin::File { line, column, .. }) = fault.origin else { panic!("{fault:?}") };
    (line, column, fault.key.clone(), format!("{}; {}", fault.problem, fault.remedy))
}

#[test]
fn the_built_in_defaults_are_a_good_configuration() {
    let config = Config::load(Settings::default()).expect("good");
    assert_eq!(config.git_url, config.public_url);
    assert!(config.is_sqlite());
}

#[test]
fn a_flag_goes_before_the_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gimlet.toml");
    std::fs::write(&path, "log = \"debug\"\npoll_interval_s = 7\n").expect("file");
    let config = Config::load(Settings::of_file(path).with("log", "warn")).expect("good");
    assert_eq!((config.log.as_str(), config.poll_interval.as_secs()), ("warn", 7));
}

#[test]
fn an_unknown_name_is_placed_and_the_right_one_proposed() {
    let (line, column, key, text) = told("log = \"info\"\n  pubic_url = \"x\"");
    assert_eq!((line, column, key.as_str()), (2, 3, "pubic_url"));
    assert_eq!(text, "there is no such setting; did you mean `public_url`?");
    let (line, _, key, text) = told("\n[telemetry]\nendpont = \"\"");
    assert_eq!((line, key.as_str()), (3, "telemetry.endpont"));
    assert!(text.contains("`telemetry.endpoint`"), "{text}");
    assert_eq!(told("[telmetry]\nsample = 1.0").2, "telmetry");
}

#[test]
fn a_wrong_value_is_placed_with_its_remedy() {
    for (file, place, key, says) in [
        ("public_url = \"nowhere\"", (1, 14), "public_url", "http:// or https://"),
        ("public_url = \"http://u:hunter2@h\"", (1, 14), "public_url", "password"),
        ("agent_url = \"http://a:1\"", (1, 13), "agent_url", "https://"),
        ("release_deadline_s = 1", (1, 22), "release_deadline_s", "from 10 to 86400"),
        ("release_deadline_s = \"300\"", (1, 22), "release_deadline_s", "without quotes"),
        ("listen = \"9000\"", (1, 10), "listen", "address:port"),
        ("listen = 9000", (1, 10), "listen", "in quotes"),
        ("log = \"inof\"", (1, 7), "log", "names no level"),
        ("log = \"gimlet_app=loud\"", (1, 7), "log", "error, warn, info"),
        ("log_format = \"xml\"", (1, 14), "log_format", "auto, json or text"),
        ("data_dir = \"gimlet\"", (1, 12), "data_dir", "absolute"),
        ("agent_image = \"agent\"", (1, 15), "agent_image", "tag"),
        ("drain_wait_s = 60", (1, 16), "drain_wait_s", "too long"),
        ("telemetry.sample = 1.5", (1, 20), "telemetry.sample", "from 0 to 1"),
        ("health_listen = \"127.0.0.1:9000\"", (1, 17), "health_listen", "that of `listen`"),
        ("database_url = \"mysql://u:hunter2@h/d\"", (1, 16), "database_url", "postgres://"),
        ("database_url = \"sqlite://here.db\"", (1, 16), "database_url", "absolute"),
    ] {
        let (line, column, named, text) = told(file);
        assert_eq!(((line, column), named.as_str()), (place, key), "{file}");
        assert!(text.contains(says) && !text.contains("hunter2"), "{file}: {text}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = faults_of("listen = \"x\"\nlog_format = \"xml\"\ndrain_wait_s = 99");
    let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["listen", "log_format", "drain_wait_s"]);
}

#[test]
fn what_is_no_toml_is_placed_and_does_not_show_a_secret_beside_it() {
    let (line, _, _, text) = told("database_url = \"postgres://u:hunter2@h/d\"\nlog = info");
    assert!(line == 2 && !text.contains("hunter2"), "{line}: {text}");
    let (line, _, key, text) = told("database_url = \"postgres://u:hunter2@h/d\"\nlog = 1");
    assert!((line, key.as_str()) == (2, "log") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_fault_of_a_flag_names_the_flag() {
    let error = Config::load(Settings::default().with("listen", "9000")).expect_err("refused");
    assert!(error.to_string().contains("--listen: listen: `9000`"), "{error}");
}

#[test]
fn a_database_password_is_not_shown() {
    let settings = Settings::default().with("database_url", "postgres://u:hunter2@h/d");
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(!format!("{:?}", Config::load(settings.clone()).expect("good")).contains("hunter2"));
    let explained = explain(settings, "all").expect("explained");
    let shown: String = explained.iter().map(ToString::to_string).collect();
    assert!(shown.contains("database_url") && !shown.contains("hunter2"));
}
