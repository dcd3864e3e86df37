//! The templates of the group policies: what the policy editor of Windows shows, in the files
//! `pywats-client.admx` (structure) and `en-US/pywats-client.adml` (texts). The format is described at
//! <https://learn.microsoft.com/en-us/previous-versions/windows/desktop/Policy/admx-schema>.

use crate::sentence;
use pywats_client::config::Config;
use pywats_client::config::policy::{Input, KEY, Policy};
use pywats_client::config::settings::{SETTINGS, Setting};

const XMLNS: &str = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions";
/// Identifies the templates among those of all vendors; never changed.
const NAMESPACE: &str = "Virinco.Policies.pyWATS";
/// The longest text that fits into a field: longer than any path that Windows allows in settings.
const MAX_LENGTH: u32 = 1023;
/// What every explanation ends with.
const OTHERWISE: &str = "If this policy is disabled or not configured, the client's own configuration decides: its \
     environment, its configuration file, its default.";

/// Every setting that has a policy.
pub(crate) fn policies() -> impl Iterator<Item = (&'static Setting, &'static Policy)> {
    SETTINGS.iter().filter_map(|setting| Some((setting, setting.policy.as_ref()?)))
}

/// The structure.
pub(crate) fn admx() -> String {
    let policies: String = policies().map(|(_, policy)| definition(policy)).collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitions xmlns="{XMLNS}" revision="1.0" schemaVersion="1.0">
  <policyNamespaces>
    <target prefix="pywats" namespace="{NAMESPACE}" />
  </policyNamespaces>
  <resources minRequiredRevision="1.0" />
  <supportedOn>
    <definitions>
      <definition name="SUPPORTED_Windows10" displayName="$(string.SUPPORTED_Windows10)" />
    </definitions>
  </supportedOn>
  <categories>
    <category name="Virinco" displayName="$(string.Virinco)" />
    <category name="pyWATSClient" displayName="$(string.pyWATSClient)" explainText="$(string.pyWATSClient_Explain)">
      <parentCategory ref="Virinco" />
    </category>
  </categories>
  <policies>
{policies}  </policies>
</policyDefinitions>
"#
    )
}

fn definition(policy: &Policy) -> String {
    let name = policy.value;
    let element = match policy.input {
        Input::Text => {
            format!(r#"<text id="{name}" valueName="{name}" required="true" maxLength="{MAX_LENGTH}" />"#)
        }
        Input::Number { least, most } => format!(
            r#"<decimal id="{name}" valueName="{name}" required="true" minValue="{least}" maxValue="{most}" />"#
        ),
        Input::Choice(words) => {
            let item = |word: &&str| {
                format!(
                    r#"
          <item displayName="$(string.{name}_{word})">
            <value>
              <string>{}</string>
            </value>
          </item>"#,
                    escape(word)
                )
            };
            let items: String = words.iter().map(item).collect();
            format!("<enum id=\"{name}\" valueName=\"{name}\" required=\"true\">{items}\n        </enum>")
        }
    };
    format!(
        r#"    <policy name="{name}" class="Machine" displayName="$(string.{name})" explainText="$(string.{name}_Explain)" presentation="$(presentation.{name})" key="{key}">
      <parentCategory ref="pyWATSClient" />
      <supportedOn ref="SUPPORTED_Windows10" />
      <elements>
        {element}
      </elements>
    </policy>
"#,
        key = escape(KEY)
    )
}

/// The texts.
pub(crate) fn adml() -> String {
    let mut strings = vec![
        ("Virinco".to_owned(), "Virinco".to_owned()),
        ("pyWATSClient".to_owned(), "pyWATS Client".to_owned()),
        (
            "pyWATSClient_Explain".to_owned(),
            "The service that uploads test reports to a WATS server. These policies are above its environment \
             and its configuration file; the running service applies a change within seconds."
                .to_owned(),
        ),
        ("SUPPORTED_Windows10".to_owned(), "At least Windows 10 or Windows Server 2016".to_owned()),
    ];
    for (setting, policy) in policies() {
        strings.push((policy.value.to_owned(), policy.title.to_owned()));
        strings.push((format!("{}_Explain", policy.value), explanation(setting, policy)));
        if let Input::Choice(words) = policy.input {
            strings.extend(words.iter().map(|word| (format!("{}_{word}", policy.value), (*word).to_owned())));
        }
    }
    let strings: String = strings
        .iter()
        .map(|(id, text)| format!("      <string id=\"{id}\">{}</string>\n", escape(text)))
        .collect();
    let presentations: String = policies().map(|(setting, policy)| presentation(setting, policy)).collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitionResources xmlns="{XMLNS}" revision="1.0" schemaVersion="1.0">
  <displayName>pyWATS Client</displayName>
  <description>Policies of the pyWATS Client</description>
  <resources>
    <stringTable>
{strings}    </stringTable>
    <presentationTable>
{presentations}    </presentationTable>
  </resources>
</policyDefinitionResources>
"#
    )
}

/// What a policy does and what to enter, for people in front of a form.
pub(crate) fn explanation(setting: &Setting, policy: &Policy) -> String {
    format!(
        "{}\n\nEnter {}.\n\n{OTHERWISE}\n\nThe same as {} in the configuration file.",
        policy.explanation,
        // In the file texts have quotes around them; in editors, registry and property list they do not.
        setting.expects.replace('"', ""),
        setting.name()
    )
}

fn presentation(setting: &Setting, policy: &Policy) -> String {
    let (name, label) = (policy.value, format!("{}:", escape(policy.title)));
    let default = (setting.show)(&Config::new()).unwrap_or_default();
    let element = match policy.input {
        Input::Text => {
            format!("<textBox refId=\"{name}\">\n          <label>{label}</label>\n        </textBox>")
        }
        Input::Number { .. } => {
            format!(r#"<decimalTextBox refId="{name}" defaultValue="{default}">{label}</decimalTextBox>"#)
        }
        Input::Choice(words) => {
            let default = words.iter().position(|word| *word == default).expect("the default is a choice");
            format!(
                r#"<dropdownList refId="{name}" noSort="true" defaultItem="{default}">{label}</dropdownList>"#
            )
        }
    };
    format!("      <presentation id=\"{name}\">\n        {element}\n      </presentation>\n")
}

/// Text in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The policies as a table for people, in Markdown.
pub(crate) fn table() -> String {
    let rows: String = policies()
        .map(|(setting, policy)| {
            format!(
                "| {} | `{}` | {} | {} | `{}` | {} |\n",
                policy.title,
                policy.value,
                policy.input.registry_type(),
                policy.input.plist_type(),
                setting.name(),
                sentence(&setting.expects.replace('"', "`"))
            )
        })
        .collect();
    format!(
        "| policy | name | on Windows | on macOS | the same as | what to write |\n|---|---|---|---|---|---|\n{rows}"
    )
}
