//! Binary property lists with one dictionary of plain values, as Finder keeps them in records.
//!
//! The format is described in Apple's [CFBinaryPList.c].
//!
//! [CFBinaryPList.c]: https://opensource.apple.com/source/CF/CF-1153.18/CFBinaryPList.c

/// A value.
pub(super) enum Value {
    Boolean(bool),
    Integer(u8),
    Real(f64),
    Text(String),
    Data(Vec<u8>),
}

/// What comes before an object: its type, with a number that is a length or says more of the type.
const INTEGER: u8 = 0x10;
const REAL: u8 = 0x20;
const DATA: u8 = 0x40;
const ASCII: u8 = 0x50;
const DICTIONARY: u8 = 0xd0;

impl Value {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Value::Boolean(value) => vec![if *value { 9 } else { 8 }],
            Value::Integer(value) => vec![INTEGER, *value],
            Value::Real(value) => [&[REAL | 3][..], &value.to_be_bytes()].concat(),
            Value::Text(text) => counted(ASCII, text.len(), text.as_bytes()),
            Value::Data(data) => counted(DATA, data.len(), data),
        }
    }
}

/// An object with its length before it.
fn counted(kind: u8, count: usize, bytes: &[u8]) -> Vec<u8> {
    let mut object = match count {
        0..=14 => vec![kind | count as u8],
        // From 15 on the length is an integer of its own, of two bytes here.
        _ => [&[kind | 15, INTEGER | 1][..], &(count as u16).to_be_bytes()].concat(),
    };
    object.extend(bytes);
    object
}

/// A dictionary of at most 100 keys in ASCII and their values.
pub(super) fn write(entries: &[(&str, Value)]) -> Vec<u8> {
    let count = entries.len();
    // Object 0 is the dictionary; keys are numbered from 1 on, and then values.
    let references: Vec<u8> = (1..=2 * count).map(|number| number as u8).collect();
    let mut objects = vec![counted(DICTIONARY, count, &references)];
    objects.extend(entries.iter().map(|(key, _)| counted(ASCII, key.len(), key.as_bytes())));
    objects.extend(entries.iter().map(|(_, value)| value.bytes()));

    let mut list = b"bplist00".to_vec();
    let mut offsets = Vec::with_capacity(objects.len());
    for object in &objects {
        offsets.push(list.len() as u16);
        list.extend(object);
    }
    let table = list.len() as u64;
    list.extend(offsets.into_iter().flat_map(u16::to_be_bytes));
    let (offset_size, reference_size) = (2, 1);
    list.extend([0, 0, 0, 0, 0, 0, offset_size, reference_size]);
    let (count, top) = (objects.len() as u64, 0);
    list.extend([count, top, table].into_iter().flat_map(u64::to_be_bytes));
    list
}
