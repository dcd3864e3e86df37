//! The description of a virtual machine in an [OVA](crate::ova).
//!
//! Its schema wants the elements of an item in the order of the alphabet. What VMware and VirtualBox add of their own is in
//! their own namespaces.

use crate::ova::{Appliance, Card, Firmware};
use crate::{Disk, Result};
use std::fmt::Write as _;
use uuid::Uuid;

/// The virtual hardware: VMware's of ESXi 6.7 and Workstation 14, the first with everything that is described here.
const HARDWARE: &str = "vmx-14";

/// The numbers of items, which refer to each other.
const CONTROLLER: u32 = 3;

/// What CIM calls a resource.
const PROCESSOR: u32 = 3;
const MEMORY: u32 = 4;
const ETHERNET: u32 = 10;
const HARD_DISK: u32 = 17;
const OTHER_STORAGE: u32 = 20;

/// The description, for a disk that is in a file of `length` bytes.
pub(crate) fn description(
    appliance: &Appliance<'_>,
    disk: &mut Disk,
    file: &str,
    length: u64,
) -> Result<String> {
    let Appliance { name, product, vendor, version, description, system, .. } = appliance;
    let [product, vendor, version, description, system_name, vmware] =
        [product, vendor, version, description, &system.name, &system.vmware].map(|text| escaped(text));
    let (capacity, cim) = (disk.size(), system.cim);
    let items = items(appliance);
    let firmware = vmware_firmware(appliance.firmware);
    let identifiers = [disk.identifier("VirtualBox disk")?, disk.identifier("VirtualBox machine")?];
    let disk_identifier = identifiers[0];
    let machine = virtualbox_machine(appliance, identifiers);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vbox="http://www.virtualbox.org/ovf/machine" xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References>
    <File ovf:href="{file}" ovf:id="file1" ovf:size="{length}"/>
  </References>
  <DiskSection>
    <Info>Virtual disks</Info>
    <Disk ovf:capacity="{capacity}" ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" vbox:uuid="{disk_identifier}"/>
  </DiskSection>
  <NetworkSection>
    <Info>Networks</Info>
    <Network ovf:name="VM Network">
      <Description>The network that the machine is in</Description>
    </Network>
  </NetworkSection>
  <VirtualSystem ovf:id="{name}">
    <Info>A virtual machine</Info>
    <Name>{name}</Name>
    <AnnotationSection>
      <Info>What it is</Info>
      <Annotation>{description}</Annotation>
    </AnnotationSection>
    <ProductSection>
      <Info>The product in it</Info>
      <Product>{product}</Product>
      <Vendor>{vendor}</Vendor>
      <Version>{version}</Version>
    </ProductSection>
    <OperatingSystemSection ovf:id="{cim}" vmw:osType="{vmware}">
      <Info>Its operating system</Info>
      <Description>{system_name}</Description>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Its hardware</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>{HARDWARE}</vssd:VirtualSystemType>
      </System>
{items}{firmware}    </VirtualHardwareSection>
{machine}  </VirtualSystem>
</Envelope>
"#
    ))
}

/// What the machine is made of.
fn items(appliance: &Appliance<'_>) -> String {
    let Appliance { processors, memory, card, .. } = appliance;
    let card = match card {
        Card::Paravirtual => "VmxNet3",
        Card::E1000 => "E1000",
    };
    let [processors, memory, controller] =
        [*processors, *memory, CONTROLLER].map(|number| number.to_string());
    let processors_name = format!("{processors} virtual processors");
    let memory_name = format!("{memory} MB of memory");
    // The instance of an item is its place here. VirtualBox before 6.1 knows a controller for SATA by its caption.
    let items = [
        (
            &*processors_name,
            PROCESSOR,
            vec![("AllocationUnits", "hertz * 10^6"), ("VirtualQuantity", &*processors)],
        ),
        (&*memory_name, MEMORY, vec![("AllocationUnits", "byte * 2^20"), ("VirtualQuantity", &*memory)]),
        (
            "sataController0",
            OTHER_STORAGE,
            vec![("Address", "0"), ("Caption", "sataController0"), ("ResourceSubType", "vmware.sata.ahci")],
        ),
        (
            "Hard disk 1",
            HARD_DISK,
            vec![("AddressOnParent", "0"), ("HostResource", "ovf:/disk/vmdisk1"), ("Parent", &*controller)],
        ),
        (
            "Ethernet 1",
            ETHERNET,
            vec![("AutomaticAllocation", "true"), ("Connection", "VM Network"), ("ResourceSubType", card)],
        ),
    ];
    let mut text = String::new();
    for (position, (name, kind, mut elements)) in items.into_iter().enumerate() {
        let (instance, kind) = ((position + 1).to_string(), kind.to_string());
        elements.extend([("ElementName", name), ("InstanceID", &*instance), ("ResourceType", &*kind)]);
        elements.sort_unstable();
        text.push_str("      <Item>\n");
        for (element, value) in elements {
            let _ = writeln!(text, "        <rasd:{element}>{value}</rasd:{element}>");
        }
        text.push_str("      </Item>\n");
    }
    text
}

fn vmware_firmware(firmware: Firmware) -> String {
    let settings: &[(&str, &str)] = match firmware {
        Firmware::Bios => &[("firmware", "bios")],
        Firmware::Uefi => &[("firmware", "efi")],
        Firmware::SecureBoot => &[("bootOptions.efiSecureBootEnabled", "true"), ("firmware", "efi")],
    };
    let line = |(key, value): &(&str, &str)| {
        format!(r#"      <vmw:Config ovf:required="false" vmw:key="{key}" vmw:value="{value}"/>{}"#, "\n")
    };
    settings.iter().map(line).collect()
}

/// The machine as VirtualBox keeps it in its own files, where its own exports have it: DMTF's schema (DSP8023) has no
/// place for it, and everything else here is valid by that. VirtualBox takes firmware and card from here, and the rest with them.
fn virtualbox_machine(appliance: &Appliance<'_>, [disk, machine]: [Uuid; 2]) -> String {
    let Appliance { name, processors, memory, card, firmware, system, .. } = appliance;
    let system = escaped(system.virtualbox);
    let card = match card {
        Card::Paravirtual => "virtio",
        Card::E1000 => "82540EM",
    };
    let firmware = match firmware {
        Firmware::Bios => "BIOS",
        Firmware::Uefi | Firmware::SecureBoot => "EFI",
    };
    format!(
        r#"    <vbox:Machine ovf:required="false" version="1.16-linux" uuid="{{{machine}}}" name="{name}" OSType="{system}">
      <ovf:Info>The same for VirtualBox</ovf:Info>
      <Hardware>
        <CPU count="{processors}"/>
        <Memory RAMSize="{memory}"/>
        <Firmware type="{firmware}"/>
        <BIOS>
          <IOAPIC enabled="true"/>
        </BIOS>
        <Network>
          <Adapter slot="0" enabled="true" type="{card}">
            <NAT/>
          </Adapter>
        </Network>
        <RTC localOrUTC="UTC"/>
      </Hardware>
      <StorageControllers>
        <StorageController name="SATA" type="AHCI" PortCount="1" useHostIOCache="false" Bootable="true">
          <AttachedDevice type="HardDisk" hotpluggable="false" port="0" device="0">
            <Image uuid="{{{disk}}}"/>
          </AttachedDevice>
        </StorageController>
      </StorageControllers>
    </vbox:Machine>
"#
    )
}

/// A text as XML has it. What XML cannot have, not even escaped, is a replacement character.
fn escaped(text: &str) -> String {
    let sign = |sign: char| match sign {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => sign.to_string(),
        sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => '\u{fffd}'.to_string(),
        sign => sign.to_string(),
    };
    text.chars().map(sign).collect()
}
