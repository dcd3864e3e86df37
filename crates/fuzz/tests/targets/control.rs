//! What the command line, or who is in its place, asks the service.

use pywats_client::config::Config;
use pywats_client::control::desk::{Desk, Open};
use pywats_client::control::sending::file_name;
use pywats_client::control::{Request, Role};
use pywats_client::queue;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Weak};

/// Fails if: any method, path, query or body makes the desk panic or answer without saying what is wrong and what to
/// do, changes something at the operators' door, or makes a file outside of the folders of the service.
#[test]
fn control() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("data");
    for name in ["watch", "done", "failed"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let mut config = Config::new();
    config.client.data_dir = folder.clone();
    let queue = Arc::new(queue::open(&folder).unwrap().queue);
    let offline = Desk::offline(config.clone(), Box::new(|| json!({})), &queue);
    let running = Desk::of_service(config, Box::new(|| json!({})), Box::new(|| {}));
    running.open(Open { queue: Arc::downgrade(&queue), queued: Arc::default(), ends: Weak::new() });
    let before = names(outside.path());
    fuzz::run("control", |input| {
        let (head, body) =
            input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len()));
        let head = String::from_utf8_lossy(head);
        let (method, target) = head.split_once(' ').unwrap_or((&head, ""));
        let Ok(method) = method.parse() else { return 0 };
        let request =
            Request { body: body.get(1..).unwrap_or_default().to_vec(), ..Request::new(method, target) };
        // Nobody uploads here who could grant a wish.
        let drops = request.method == hyper::Method::DELETE;
        let desks = if drops { vec![&offline] } else { vec![&offline, &running] };
        let mut ways = Vec::new();
        for desk in desks {
            for role in [Role::Operator, Role::Administrator] {
                let reply = desk.answer(role, &request);
                let is_error = !reply.status.is_success();
                // What could be done in part says so in lines of its own.
                let says = reply.body["error"].is_string()
                    && (reply.body["what_to_do"].is_string() || reply.body["lines"].is_array());
                assert!(!is_error || says, "{request:?}: {reply:?}");
                let looks = request.method == hyper::Method::GET || request.path == "/v1/reports";
                assert!(role == Role::Administrator || is_error || looks, "{request:?}: {reply:?}");
                // Only what is said of a report tells ways apart; the rest repeats the request.
                let words = reply.body["error"].as_str().filter(|_| reply.status.as_u16() == 422);
                ways.push(fuzz::way(reply.status.as_u16(), words.unwrap_or_default()));
            }
        }
        assert_eq!(names(outside.path()), before);
        let name = file_name(target);
        assert_eq!(Path::new(&name).file_name(), Some(name.as_os_str()), "{target:?}");
        assert!(pywats_client::intake::Names::default().take(&name), "{target:?}: {name:?}");
        fuzz::way(ways, "")
    });
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}
