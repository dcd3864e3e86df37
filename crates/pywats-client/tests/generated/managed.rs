//! What device management of macOS gets to set policies with: a configuration profile as an example, in which one
//! setting is set and the others are left to the administrator, and a schema, by which Jamf Pro shows a form.
//!
//! Profiles are described in Apple's
//! [Configuration Profile Reference](https://developer.apple.com/documentation/devicemanagement/configuring-multiple-devices-using-profiles),
//! schemas at <https://json-schema.org/draft-04/schema> with what Jamf's form understands beside it:
//! `property_order`, `options`.

use crate::templates::{escape, explanation, policies};
use pywats_client::config::Config;
use pywats_client::config::policy::{DOMAIN, Input, Policy};
use pywats_client::config::settings::Setting;
use serde_json::{Map, Value, json};

/// The one that is set in the example.
const SET: &str = "ServerUrl";
/// They tell profiles apart; whoever makes another profile of the example makes others, by `uuidgen`.
const UUIDS: [&str; 2] = ["8C2E5B5F-3A6B-4B0C-9C1D-6F4D2A7E9B10", "D1B7F1F4-5E2A-4C36-8E0B-2B9A4C7D5E21"];

/// The profile.
pub(crate) fn mobileconfig() -> String {
    let keys: String = policies().map(|(setting, policy)| key(setting, policy)).collect();
    let [of_profile, of_payload] = UUIDS;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
{keys}			<key>PayloadDisplayName</key>
			<string>pyWATS Client</string>
			<key>PayloadIdentifier</key>
			<string>{DOMAIN}.settings.preferences</string>
			<key>PayloadType</key>
			<string>{DOMAIN}</string>
			<key>PayloadUUID</key>
			<string>{of_payload}</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
		</dict>
	</array>
	<key>PayloadDescription</key>
	<string>Settings of pyWATS Client that stand above its environment and its configuration file.</string>
	<key>PayloadDisplayName</key>
	<string>pyWATS Client</string>
	<key>PayloadIdentifier</key>
	<string>{DOMAIN}.settings</string>
	<key>PayloadScope</key>
	<string>System</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>{of_profile}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#
    )
}

fn key(setting: &Setting, policy: &Policy) -> String {
    let kind = policy.input.plist_type();
    let lines = [
        format!("<key>{}</key>", policy.value),
        format!("<{kind}>{}</{kind}>", escape(&sample(setting, policy))),
    ];
    let indented = |lines: &[String]| lines.iter().map(|line| format!("\t\t\t{line}\n")).collect::<String>();
    if policy.value == SET {
        return indented(&lines);
    }
    let what = format!(
        "{}: write {}. To set it, remove this line and the end of this comment.",
        policy.title,
        setting.expects.replace('"', "")
    );
    assert!(!what.contains("--"), "it would end the comment: {what}");
    indented(&[format!("<!-- {what}"), lines[0].clone(), lines[1].clone(), "-->".to_owned()])
}

/// A value that could be there.
fn sample(setting: &Setting, policy: &Policy) -> String {
    match policy.value {
        "ServerUrl" => "https://example.wats.com".to_owned(),
        "TokenFile" => "/Library/Application Support/pyWATS/token".to_owned(),
        "CaFile" => "/Library/Application Support/pyWATS/ca.pem".to_owned(),
        "WatchFolder" => "/Users/Shared/Reports".to_owned(),
        // For the others, what is in force anyway.
        _ => (setting.show)(&Config::new()).expect("a default"),
    }
}

/// The schema.
pub(crate) fn schema() -> String {
    let properties: Map<String, Value> = policies()
        .enumerate()
        .map(|(at, (setting, policy))| (policy.value.to_owned(), property(at, setting, policy)))
        .collect();
    let schema = json!({
        "title": format!("pyWATS Client ({DOMAIN})"),
        "description": "Settings that stand above environment and configuration file of the service.",
        "type": "object",
        // What the form leaves empty is no policy.
        "options": { "remove_empty_properties": true },
        "properties": properties,
    });
    format!("{schema:#}\n")
}

fn property(at: usize, setting: &Setting, policy: &Policy) -> Value {
    let mut property = json!({
        "title": policy.title,
        "description": explanation(setting, policy),
        "property_order": 10 * (at + 1),
        "type": policy.input.plist_type(),
    });
    match policy.input {
        Input::Text => {
            property["options"] = json!({ "inputAttributes": { "placeholder": sample(setting, policy) } });
        }
        Input::Choice(words) => property["enum"] = json!(words),
        Input::Number { least, most } => {
            property["minimum"] = json!(least);
            property["maximum"] = json!(most);
        }
    }
    property
}

/// Fails if: the schema lets through what the client does not take as this policy, or refuses what it takes.
#[test]
fn the_schema_says_what_is_read() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), policies().count());
    for (_, policy) in policies() {
        let property = &properties[policy.value];
        assert_eq!(property["type"], policy.input.plist_type());
        let limits = (property["minimum"].as_u64(), property["maximum"].as_u64());
        match policy.input {
            Input::Text => assert!(property["enum"].is_null()),
            Input::Choice(words) => assert_eq!(property["enum"], json!(words)),
            Input::Number { least, most } => assert_eq!(limits, (Some(least.into()), Some(most.into()))),
        }
    }
}
