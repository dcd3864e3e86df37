//! The rows that dialogs and their controls become, in tables that begin with the
//! [Dialog table](https://learn.microsoft.com/en-us/windows/win32/msi/dialog-table).

use super::layout::{Control, Dialog};
use anyhow::Result;
use windows_installer::{Database, row};

impl Dialog {
    /// Adds the dialog's rows to the tables.
    pub(super) fn add_to(&self, database: &mut Database) -> Result<()> {
        database.add(
            "Dialog",
            row! { Dialog: self.name, HCentering: 50, VCentering: 50, Width: self.width, Height: self.height,
            Attributes: self.attributes, Title: "[ProductName] Setup", Control_First: self.first(),
            Control_Default: self.default, Control_Cancel: self.cancel },
        )?;
        let order = self.tab_order();
        for control in &self.controls {
            let next = order.iter().find(|(name, _)| *name == control.name).map(|(_, next)| *next);
            self.add_control(database, control, next)?;
        }
        Ok(())
    }

    fn add_control(&self, database: &mut Database, control: &Control, next: Option<&str>) -> Result<()> {
        let (dialog, name, area) = (self.name, control.name.as_str(), control.area);
        database.add(
            "Control",
            row! { Dialog_: dialog, Control: name, Type: format!("{:?}", control.kind), X: area.x, Y: area.y,
            Width: area.width, Height: area.height, Attributes: control.attributes,
            Property: &control.property, Text: &control.text, Control_Next: next },
        )?;
        for (action, condition) in &control.conditions {
            let row = row! { Dialog_: dialog, Control_: name, Action: *action, Condition: condition };
            database.add("ControlCondition", row)?;
        }
        for (ordering, [event, argument, condition]) in (1..).zip(&control.events) {
            database.add(
                "ControlEvent",
                row! { Dialog_: dialog, Control_: name, Event: event, Argument: argument,
                Condition: condition, Ordering: ordering },
            )?;
        }
        for (event, attribute) in &control.mappings {
            let row = row! { Dialog_: dialog, Control_: name, Event: *event, Attribute: *attribute };
            database.add("EventMapping", row)?;
        }
        for (order, choice) in (1..).zip(&control.choices) {
            let area = choice.area;
            database.add(
                "RadioButton",
                row! { Property: &control.property, Order: order, Value: choice.value, X: area.x, Y: area.y,
                Width: area.width, Height: area.height, Text: choice.text },
            )?;
        }
        Ok(())
    }
}
