//! What dialogs consist of.
//!
//! Lengths are
//! [installer units](https://learn.microsoft.com/en-us/windows/win32/msi/installer-units): a twelfth of the
//! height of the system's font, so 4/3 of a pixel where nothing is enlarged. The types of controls, their
//! attributes and events are on
//! [pages of their own](https://learn.microsoft.com/en-us/windows/win32/msi/controls).

/// Attributes of controls.
pub(super) const VISIBLE: i32 = 0x1;
pub(super) const ENABLED: i32 = 0x2;
pub(super) const SUNKEN: i32 = 0x4;
/// The property of the control holds the name of the property that is meant.
pub(super) const INDIRECT: i32 = 0x8;
/// A text through which the picture below it shows.
pub(super) const TRANSPARENT: i32 = 0x1_0000;
/// A text in which `&` is itself and marks no letter.
const NO_PREFIX: i32 = 0x2_0000;
/// A bar of blocks, which every version of Windows draws in the style of its time.
const PROGRESS_95: i32 = 0x1_0000;
const FIXED_SIZE: i32 = 0x10_0000;
const ICON_SIZE_32: i32 = 0x40_0000;
/// The shield of a button that asks for an administrator.
pub(super) const ELEVATION_SHIELD: i32 = 0x80_0000;
/// Local and remote disks that can be written.
const FIXED_VOLUMES: i32 = 0x2_0000 | 0x4_0000;

/// A rectangle in its dialog.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A rectangle by its upper left corner and size.
pub(super) const fn at(x: i32, y: i32, width: i32, height: i32) -> Area {
    Area { x, y, width, height }
}

/// The type of a control; the names are those of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Bitmap,
    CheckBox,
    DirectoryCombo,
    DirectoryList,
    Edit,
    Icon,
    Line,
    ListBox,
    PathEdit,
    ProgressBar,
    PushButton,
    RadioButtonGroup,
    ScrollableText,
    #[default]
    Text,
    VolumeCostList,
}

/// One of several things to choose from.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) value: &'static str,
    /// Where it is in its group.
    pub(super) area: Area,
    pub(super) text: &'static str,
}

/// One control of a dialog.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) area: Area,
    pub(super) attributes: i32,
    pub(super) property: String,
    pub(super) text: String,
    /// Whether it names the control after it, for people who hear the dialog.
    pub(super) is_label: bool,
    /// Controls of one group stand in the same place, and one of them at most is seen.
    pub(super) group: Option<&'static str>,
    /// Action and condition.
    pub(super) conditions: Vec<(&'static str, String)>,
    /// What a button does: event, argument and condition.
    pub(super) events: Vec<[String; 3]>,
    /// Event of the installer, and the attribute it changes.
    pub(super) mappings: Vec<(&'static str, &'static str)>,
    pub(super) choices: Vec<Choice>,
}

impl Control {
    pub(super) fn new(kind: Kind, name: impl Into<String>, area: Area) -> Control {
        Control { name: name.into(), kind, area, attributes: VISIBLE | ENABLED, ..Control::default() }
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Control {
        self.text = text.into();
        self
    }

    /// The property that the control shows and changes.
    pub(super) fn property(mut self, property: impl Into<String>) -> Control {
        self.property = property.into();
        self
    }

    pub(super) fn with(mut self, attributes: i32) -> Control {
        self.attributes |= attributes;
        self
    }

    pub(super) fn without(mut self, attributes: i32) -> Control {
        self.attributes &= !attributes;
        self
    }

    /// Sends an event when it is pressed.
    pub(super) fn on(self, event: impl Into<String>, argument: impl Into<String>) -> Control {
        self.on_if("1", event, argument)
    }

    /// Sends an event when it is pressed and the condition holds.
    pub(super) fn on_if(
        mut self,
        condition: impl Into<String>,
        event: impl Into<String>,
        argument: impl Into<String>,
    ) -> Control {
        self.events.push([event.into(), argument.into(), condition.into()]);
        self
    }

    /// Lets it be seen only while the condition holds.
    pub(super) fn shown_if(self, condition: &str) -> Control {
        self.switched("Show", "Hide", condition)
    }

    /// Lets it be used only while the condition holds.
    pub(super) fn enabled_if(self, condition: &str) -> Control {
        self.switched("Enable", "Disable", condition)
    }

    fn switched(mut self, on: &'static str, off: &'static str, condition: &str) -> Control {
        self.conditions.push((on, condition.to_owned()));
        self.conditions.push((off, format!("NOT ({condition})")));
        self
    }

    /// Puts it into a group of controls of which one at most is seen.
    pub(super) fn one_of(mut self, group: &'static str) -> Control {
        self.group = Some(group);
        self
    }

    /// Takes an attribute from an event of the installer.
    pub(super) fn follows(mut self, event: &'static str, attribute: &'static str) -> Control {
        self.mappings.push((event, attribute));
        self
    }

    pub(super) fn choices(mut self, choices: impl IntoIterator<Item = Choice>) -> Control {
        self.choices.extend(choices);
        self
    }

    /// Whether it is in the tab order. Labels are, though they take no focus: they name what comes next.
    pub(super) fn is_linked(&self) -> bool {
        self.is_stop() || self.is_label
    }

    /// Whether the keyboard can reach it.
    pub(super) fn is_stop(&self) -> bool {
        let shows = [Kind::Bitmap, Kind::Icon, Kind::Line, Kind::ProgressBar, Kind::Text];
        self.attributes & ENABLED != 0 && !shows.contains(&self.kind)
    }
}

/// A text that nobody can change.
pub(super) fn text(name: impl Into<String>, area: Area, text: impl Into<String>) -> Control {
    Control::new(Kind::Text, name, area).text(text).with(NO_PREFIX)
}

/// Texts in one place, each with its name and condition, of which one at most holds.
pub(super) fn one_text_of<'a>(
    group: &'static str,
    area: Area,
    texts: impl IntoIterator<Item = (&'static str, &'a str, &'a str)>,
) -> impl Iterator<Item = Control> {
    let control = move |(name, condition, words)| text(name, area, words).shown_if(condition).one_of(group);
    texts.into_iter().map(control)
}

/// A text that names the control after it, with its letter.
pub(super) fn label(name: impl Into<String>, area: Area, text: impl Into<String>) -> Control {
    let control = Control::new(Kind::Text, name, area).text(text);
    Control { is_label: true, ..control }
}

pub(super) fn button(name: &str, area: Area, text: &str) -> Control {
    Control::new(Kind::PushButton, name, area).text(text)
}

/// A horizontal line.
pub(super) fn line(name: &str, x: i32, y: i32, width: i32) -> Control {
    Control::new(Kind::Line, name, at(x, y, width, 0)).without(ENABLED)
}

/// A picture of the table `Binary`.
pub(super) fn picture(name: &str, area: Area, binary: &str) -> Control {
    Control::new(Kind::Bitmap, name, area).text(binary).without(ENABLED)
}

/// An icon of the table `Binary`, at its usual size.
pub(super) fn icon(name: &str, x: i32, y: i32, binary: &str) -> Control {
    let attributes = FIXED_SIZE | ICON_SIZE_32;
    Control::new(Kind::Icon, name, at(x, y, 24, 24)).text(binary).with(attributes).without(ENABLED)
}

pub(super) fn progress_bar(name: &str, area: Area) -> Control {
    Control::new(Kind::ProgressBar, name, area)
        .text("Progress")
        .with(PROGRESS_95)
        .without(ENABLED)
        .follows("SetProgress", "Progress")
}

/// Volumes, and what the installation takes of them. The numbers are the widths of the columns, in pixels.
pub(super) fn volumes(name: &str, area: Area) -> Control {
    Control::new(Kind::VolumeCostList, name, area).text("{90}{80}{80}{80}{80}").with(SUNKEN | FIXED_VOLUMES)
}

/// A dialog.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) name: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) attributes: i32,
    pub(super) controls: Vec<Control>,
    /// What the return key presses.
    pub(super) default: Option<&'static str>,
    /// What the escape key and the closing of the window press.
    pub(super) cancel: Option<&'static str>,
}

/// Attributes of dialogs.
pub(super) const MODAL: i32 = 0x2;
pub(super) const MINIMIZE: i32 = 0x4;
/// Other modeless dialogs stay while this one is seen.
pub(super) const KEEP_MODELESS: i32 = 0x10;
/// The values of disk space are kept up to date.
pub(super) const TRACK_DISK_SPACE: i32 = 0x20;
/// A dialog for errors: the installer chooses its text, icon and buttons.
pub(super) const ERROR: i32 = 0x1_0000;

impl Dialog {
    /// Adds controls, in the order of the tab key.
    pub(super) fn with(mut self, controls: impl IntoIterator<Item = Control>) -> Dialog {
        self.controls.extend(controls);
        self
    }

    /// The control that has the focus first: what can be filled in first and is always there, or else the default.
    pub(super) fn first(&self) -> &str {
        let linked = || self.controls.iter().filter(|control| control.is_linked());
        let fields = |control: &&Control| control.kind != Kind::PushButton && control.conditions.is_empty();
        let first = linked().find(fields).map(|control| control.name.as_str());
        let first = if self.attributes & ERROR != 0 { Some("ErrorText") } else { first.or(self.default) };
        first.or_else(|| linked().next().map(|control| control.name.as_str())).unwrap_or_default()
    }

    /// The names of the linked controls, each with the one after it.
    pub(super) fn tab_order(&self) -> Vec<(&str, &str)> {
        if self.attributes & ERROR != 0 {
            return Vec::new();
        }
        let names: Vec<&str> =
            self.controls.iter().filter(|control| control.is_linked()).map(|c| c.name.as_str()).collect();
        let next = names.iter().cycle().skip(1);
        names.iter().copied().zip(next.copied()).collect()
    }
}
