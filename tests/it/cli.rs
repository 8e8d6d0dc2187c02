//! The command line as a person or a script meets it: what it says, where, and with which exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

fn loopscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopscope"));
    command.args(arguments).stdin(Stdio::null()).env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C.UTF-8");
    // Whatever the person who runs the tests has configured.
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("XDG_STATE_HOME", "/nonexistent");
    command
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = loopscope(arguments).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A folder with one scenario: small, short, and with these claims.
fn scenario(expect: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.ron");
    let text = format!(
        "Scenario(\n    id: \"mine\",\n    title: {{ \"en\": \"Mine\", \"zh\": \"我的\" }},\n    specimens: [(name: \"only\")],\n    \
         load: Load(connections: 8, rate: 200),\n    script: [(at: \"1s\", do: Stop)],\n    expect: [{expect}],\n)\n"
    );
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn name(file: &Path) -> &str {
    file.to_str().unwrap()
}

#[test]
fn it_says_what_it_is_and_how_it_is_used() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!((code, out), (0, format!("loopscope {}\n", env!("CARGO_PKG_VERSION"))));
    let (code, out, _) = run(&["--help"]);
    assert!(code == 0 && out.contains("loopscope check --all") && out.contains("Exit codes"), "{out}");
    assert!(!out.contains("__specimen") && !out.contains("__load"), "{out}");
    let (code, _, err) = run(&["chekc", "--all"]);
    assert!(code == 2 && err.contains("check"), "{err}");
}

/// A folder with a configuration file, as `XDG_CONFIG_HOME` would name it.
fn configured(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("loopscope")).unwrap();
    let file = folder.path().join("loopscope/config.ron");
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn the_command_line_beats_the_environment_and_that_beats_the_file() {
    let (folder, file) = configured("(lang: \"zh\")");
    let said = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = loopscope(arguments);
        command.env("XDG_CONFIG_HOME", folder.path()).env("LANG", "en_US.UTF-8").envs(environment.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(said(&["config", "--path"], &[]), format!("{}\n", file.display()));
    assert!(said(&["list"], &[]).contains("健康"), "the file beats the locale");
    assert!(said(&["list"], &[("LOOPSCOPE_LANG", "en")]).contains("healthy"));
    assert!(said(&["list", "--lang", "zh"], &[("LOOPSCOPE_LANG", "en")]).contains("健康"));
    fs::write(&file, said(&["config"], &[])).unwrap();
    assert!(said(&["list"], &[]).contains("healthy"), "what config prints changes nothing");
}

#[test]
fn what_is_wrong_in_the_configuration_is_said_before_anything_runs() {
    let (folder, file) = configured("Config(\n    thme: \"dark\",\n)\n");
    let output = loopscope(&["list"]).env("XDG_CONFIG_HOME", folder.path()).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(
        err.starts_with(&format!("{}:2:5: unknown field \"thme\"", file.display())) && err.contains("did you mean \"theme\"?"),
        "{err}"
    );
    // What tells of the file works all the same.
    for arguments in [&["config"][..], &["config", "--path"]] {
        assert!(loopscope(arguments).env("XDG_CONFIG_HOME", folder.path()).output().unwrap().status.success());
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let output = loopscope(&["list"]).env("XDG_CONFIG_HOME", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a file that cannot be read is not passed over");
    assert_eq!(loopscope(&["--theme", "drak"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn lessons_are_listed_for_people_and_for_machines() {
    let (code, out, _) = run(&["list"]);
    assert!(code == 0 && out.lines().any(|line| line.starts_with("06-panic ")), "{out}");
    let (_, out, _) = run(&["list", "--lang", "zh"]);
    assert!(out.contains("健康的事件循环"), "{out}");
    let (_, out, _) = run(&["list", "--json"]);
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert!(listed.as_array().unwrap().iter().any(|lesson| lesson["id"] == "06-panic" && lesson["specimens"][0] == "naive"));
}

#[test]
fn without_a_terminal_the_scope_points_to_check() {
    for arguments in [&[][..], &["run", "06-panic"]] {
        let (code, out, err) = run(arguments);
        assert!(code == 2 && out.is_empty() && err.contains("loopscope check "), "{code} {out} {err}");
    }
    assert!(run(&["run", "06-panic", "--lang", "zh"]).2.contains("loopscope check 06-panic"));
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let (folder, good) = scenario("Alive(specimen: \"only\")");
    let bad = folder.path().join("bad.ron");
    fs::write(&bad, fs::read_to_string(&good).unwrap().replace("specimens", "specimenz").replace("Stop", "Stopp")).unwrap();
    let (code, out, err) = run(&["check", name(&good), name(&bad), "06-panik"]);
    assert_eq!((code, out.as_str()), (2, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 3, "{err}");
    assert!(lines[0].starts_with(&format!("{}:4:5: unknown field \"specimenz\"", bad.display())), "{err}");
    assert!(lines[1].contains("bad.ron:6:29: unknown command \"Stopp\"") && lines[1].ends_with("did you mean \"Stop\"?"), "{err}");
    assert!(lines[2].ends_with("did you mean \"06-panic\"?"), "{err}");
    assert_eq!(run(&["run", name(&bad)]).0, 2);
    assert!(run(&["check", "none.ron"]).2.contains("none.ron:1:1: cannot be opened"));
}

#[test]
fn claims_that_hold_end_with_0_and_others_with_1() {
    let (_folder, file) = scenario("Alive(specimen: \"only\"), Measure(of: Answered(specimen: \"only\"), at_least: 0.5)");
    let (code, out, err) = run(&["check", name(&file)]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ok  only: alive") && out.ends_with("1 scenario, 2 of 2 expectations hold\n"), "{out}");
    assert!(err.contains("mine: ready after ") && err.contains("mine: ended at 1.0"), "{err}");
    assert!(!out.contains('\x1b') && !err.contains(['\x1b', '\r']));

    let (_folder, file) = scenario("Dead(specimen: \"only\"), Alive(specimen: \"only\")");
    let (code, out, err) = run(&["check", "--quiet", "--json", name(&file)]);
    assert_eq!((code, err.as_str()), (1, ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["schema"], &report["passed"]), (&1.into(), &false.into()));
    let claims = &report["scenarios"][0]["expectations"];
    assert_eq!((&claims[0]["passed"], &claims[1]["passed"]), (&false.into(), &true.into()));
    assert_eq!(claims[0]["claim"], "only: dead");
    assert!(report["scenarios"][0]["events"].as_u64().unwrap() > 100);
}

#[test]
fn a_run_that_cannot_be_made_ends_with_2() {
    let (_folder, file) = scenario("Alive(specimen: \"only\")");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, out, _) = run(&["check", "--quiet", "--json", "--port", &port, name(&file)]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let error = report["scenarios"][0]["error"].as_str().unwrap();
    assert!(code == 2 && error.starts_with("the lab did not start: "), "{code} {error}");
}

#[test]
fn what_lies_open_to_a_network_is_warned_of() {
    let (_folder, file) = scenario("Alive(specimen: \"only\")");
    let (code, _, err) = run(&["check", "--bind", "0.0.0.0", name(&file)]);
    assert!(code == 0 && err.contains("warning: 0.0.0.0 is not a loopback address"), "{err}");
}

/// The processes whose parent is this one, by what /proc says.
fn children_of(parent: u32) -> Vec<u32> {
    let stat = |pid: u32| fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let parent_of = |pid: u32| stat(pid)?.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

#[test]
fn an_interrupted_check_or_comparison_leaves_nothing_behind() {
    let (_folder, file) = scenario("");
    let text = fs::read_to_string(&file).unwrap().replace("\"1s\"", "\"60s\"");
    // A master has children of its own.
    fs::write(&file, text.replace("(name: \"only\")", "(name: \"only\", model: Workers(processes: 2))")).unwrap();
    for command in ["check", "compare"] {
        let mut run =
            loopscope(&[command, "--quiet", "--port", "0", name(&file)]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let family = || children_of(run.id()).into_iter().flat_map(|child| [vec![child], children_of(child)].concat()).collect::<Vec<_>>();
        let mut all = family();
        while all.len() < 4 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            all = family();
        }
        assert!(all.len() >= 4, "a master, its workers and the load: {all:?}");
        let pid = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(130));
        let alive = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
        while all.iter().any(alive) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!all.iter().any(alive), "{command}: {all:?}");
    }
}

/// A scenario whose specimens have load one after the other: the second does what the first does, and does not do it at the same time.
fn in_turn() -> (TempDir, PathBuf) {
    let (folder, file) = scenario("");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("[(name: \"only\")]", "[(name: \"one\"), (name: \"two\", model: ThreadPool(threads: 2))]");
    let script = "(at: \"0ms\", specimen: \"one\", do: LoadOnly), (at: \"100ms\", do: Mark(\"from here\")), \
                  (at: \"1s\", specimen: \"two\", do: LoadOnly), (at: \"1900ms\", do: Stop)";
    fs::write(&file, text.replace("(at: \"1s\", do: Stop)", script)).unwrap();
    (folder, file)
}

#[test]
fn specimens_are_compared_by_what_they_did_while_they_had_load() {
    let (_folder, file) = in_turn();
    let (code, out, err) = run(&["compare", "--quiet", "--json", "--port", "0", name(&file)]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let comparison = &report["comparisons"][0];
    assert_eq!((&report["schema"], &comparison["id"], &comparison["lost"]), (&1.into(), &"mine".into(), &0.into()));
    for (n, model) in ["event-loop", "thread-pool"].iter().enumerate() {
        let specimen = &comparison["specimens"][n];
        assert_eq!(specimen["model"], *model);
        // 200 a second for half of the time: over all of it that would be 100.
        let rate = specimen["figures"]["answers"].as_f64().unwrap();
        assert!((150.0..260.0).contains(&rate), "{rate}: {out}");
        assert!(specimen["figures"]["threads"].as_f64().unwrap() >= 1.0 && specimen["figures"]["resident"].as_f64().unwrap() > 1000.0);
    }
    assert!(report["took_ms"].as_f64().unwrap() >= 1900.0);
}

#[test]
fn a_comparison_is_told_in_the_form_and_language_that_is_asked_for() {
    let (_folder, file) = in_turn();
    let compare = |more: &[&str]| run(&[&["compare", "--port", "0", name(&file)], more].concat());
    let (code, out, err) = compare(&[]);
    assert!(code == 0 && out.starts_with("Mine\n") && out.contains("  threads ") && !out.contains('\x1b'), "{out}");
    assert!(err.contains("mine: ended at 1.9"), "{err}");
    let (code, out, _) = compare(&["--markdown", "--lang", "zh"]);
    assert!(code == 0 && out.starts_with("## 我的\n") && out.contains("| 线程 | 1 | 3 |"), "{out}");
    let (code, out, _) = compare(&["--csv", "-q"]);
    assert!(code == 0 && out.contains("\nmine,two,thread-pool,threads,count,3\n"), "{out}");
}

#[test]
fn a_comparison_that_cannot_be_made_ends_with_2() {
    let (code, out, err) = run(&["compare", "models-io-bond"]);
    assert!(code == 2 && out.is_empty() && err.contains("did you mean \"models-io-bound\"?"), "{err}");
    assert_eq!(run(&["compare", "--json", "--csv"]).0, 2);
    let (_folder, file) = scenario("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, out, err) = run(&["compare", "-q", "--port", &port, name(&file)]);
    assert!(code == 2 && out.is_empty() && err.contains("mine: the lab did not start: listening on "), "{err}");
}

#[test]
fn progress_is_shown_and_forgotten_only_when_that_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loopscope").join("progress.json");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let kept = r#"{ "version": 1, "lessons": { "06-panic": { "seen": [0, 1], "answers": { "1": 2 }, "solved": {}, "reviewed": [] } } }"#;
    fs::write(&file, kept).unwrap();
    let run = |arguments: &[&str]| {
        let Output { status, stdout, stderr } = loopscope(arguments).env("XDG_STATE_HOME", folder.path()).output().unwrap();
        (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };
    let (code, out, _) = run(&["progress", "--json"]);
    let lessons: Value = serde_json::from_str(&out).unwrap();
    let panic = lessons.as_array().unwrap().iter().find(|lesson| lesson["id"] == "06-panic").unwrap();
    assert_eq!((code, &panic["answers_right"], &panic["steps_seen"], &panic["done"]), (0, &1.into(), &2.into(), &false.into()));
    let (_, out, _) = run(&["progress"]);
    assert!(out.contains("06-panic") && out.contains("0 of "), "{out}");

    let (code, _, err) = run(&["progress", "--reset", "06-panic"]);
    assert!(code == 2 && err.contains("--yes"), "without anybody to ask nothing is forgotten: {err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
    let (code, _, err) = run(&["progress", "--reset", "06-pani", "--yes"]);
    assert!(code == 2 && err.contains("did you mean \"06-panic\"?"), "{err}");
    let (code, out, _) = run(&["progress", "--reset", "06-panic", "--yes"]);
    assert_eq!((code, out.as_str()), (0, "forgotten: the progress of 06-panic\n"));
    assert!(!fs::read_to_string(&file).unwrap().contains("06-panic"));
    let (code, out, _) = run(&["progress", "--reset", "--yes"]);
    assert_eq!((code, out.as_str()), (0, "there was nothing to forget\n"));

    fs::write(&file, "{ not json").unwrap();
    let (code, _, err) = run(&["progress"]);
    assert!(code == 0 && err.contains("progress.json.broken-1"), "{err}");
    assert_eq!(fs::read_to_string(folder.path().join("loopscope").join("progress.json.broken-1")).unwrap(), "{ not json");
}

#[test]
fn a_new_lesson_proves_itself_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first-steps.ron");
    let (code, out, _) = run(&["new", name(&file), "--lang", "zh"]);
    assert!(code == 0 && out.contains("loopscope check"), "{out}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("id: \"first-steps\""), "{text:.400}");
    let (code, _, err) = run(&["new", name(&file)]);
    assert!(code == 2 && err.contains("is there already"), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let (code, out, err) = run(&["check", name(&file), "--quiet", "--port", "0"]);
    assert!(code == 0, "{out}{err}");
    let (code, _, _) = run(&["new", name(&folder.path().join("no-such-folder").join("x.ron"))]);
    assert_eq!(code, 2);
    let (code, out, _) = run(&["docs", "--lang", "zh"]);
    assert!(code == 0 && out.starts_with("# 编写课程"), "{out:.80}");
}

#[test]
fn an_experiment_without_specimens_is_measured_and_its_lesson_walked() {
    let (code, out, err) = run(&["check", "23-selectors", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|wrong| panic!("{wrong}: {out}{err}"));
    assert_eq!((code, &report["passed"]), (0, &Value::Bool(true)), "{out}");
    let claims = |part: &str| report["scenarios"][0][part].as_array().map_or(0, Vec::len);
    assert_eq!((claims("expectations"), claims("lesson")), (10, 3), "{out}");
    // One that is not so fails.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.ron");
    let call = |size: u32| format!("Call(by: \"poll\", idle: {size}, active: \"1\")");
    let claim = format!("Ratio(of: {}, to: {}, at_most: 1)", call(1000), call(10));
    let text = format!("(id: \"mine\", title: {{ \"en\": \"Mine\" }}, experiment: Selectors(), expect: [{claim}])");
    fs::write(&file, text).unwrap();
    let (code, out, _) = run(&["check", name(&file), "--quiet"]);
    assert!(code == 1 && out.contains("FAIL"), "{out}");
}
