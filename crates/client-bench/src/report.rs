//! Reports of any size: a unit and as many numeric steps as it takes.

use std::fmt::Write as _;
use uuid::Uuid;

/// A valid report of about so many bytes, with an id, as the vendor's Python library writes them.
pub(crate) fn report(serial_number: &str, bytes: usize) -> String {
    let id = Uuid::new_v4();
    let mut text = format!(
        "{{\"type\":\"T\",\"id\":\"{id}\",\"pn\":\"BOARD\",\"sn\":\"{serial_number}\",\"rev\":\"A\",\"processCode\":10,\
         \"result\":\"P\",\"machineName\":\"STATION\",\"location\":\"Here\",\"purpose\":\"Test\",\
         \"start\":\"2026-11-22T12:00:00+01:00\",\"uut\":{{\"user\":\"operator\",\"execTime\":12.5}},\"root\":\
         {{\"id\":1,\"group\":\"M\",\"stepType\":\"SequenceCall\",\"name\":\"Main\",\"status\":\"P\",\"steps\":["
    );
    let mut number: usize = 2;
    while text.len() < bytes {
        let comma = if number == 2 { "" } else { "," };
        // A String takes everything.
        let _ = write!(
            text,
            "{comma}{{\"id\":{number},\"group\":\"M\",\"stepType\":\"ET_NLT\",\"name\":\"Voltage {number}\",\
             \"status\":\"P\",\"totTime\":0.25,\"numericMeas\":[{{\"compOp\":\"GELE\",\"status\":\"P\",\"unit\":\"V\",\
             \"value\":{}.{:03},\"lowLimit\":0.5,\"highLimit\":99.5}}]}}",
            number % 97 + 1,
            number * 7919 % 1000
        );
        number += 1;
    }
    text + "]}}"
}
