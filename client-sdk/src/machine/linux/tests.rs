//! Recorded trees of Linux machines, read as if they were this one.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::*;

/// Lays a recorded tree out below `root`: `path = text`, `path -> target` or `path/` a line.
fn plant(root: &Path, recorded: &str) {
    for line in recorded.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((path, target)) = line.split_once(" -> ") {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target, path).unwrap();
        } else if let Some((path, text)) = line.split_once(" = ") {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0");
            let text = text.replace("\\x80", "\u{80}").replace("\\x14", "\u{14}");
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
            fs::write(path, bytes).unwrap();
        } else {
            fs::create_dir_all(root.join(line)).unwrap();
        }
    }
}

fn recorded(tree: &str) -> Parts {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), tree);
    read(root.path(), None)
}

const NOTEBOOK: &str = include_str!("../../../testdata/linux/notebook.tree");

#[test]
fn a_docked_notebook_is_told_by_what_stays_in_it() {
    let parts = recorded(NOTEBOOK);
    assert_eq!(
        parts.text(),
        "04:7C:16:5E:E3:5D|S4EWNX0R123456|/7X2B0M3/CNWS2007/|BFEBFBFF00090672"
    );
    assert_eq!(parts.hint, None);
}

#[test]
fn without_its_dock_the_notebook_reads_the_same() {
    let undocked: Vec<_> = NOTEBOOK.lines().filter(|l| !l.contains("enx00e04c680001")).collect();
    assert_eq!(recorded(&undocked.join("\n")).text(), recorded(NOTEBOOK).text());
}

#[test]
fn a_server_read_by_a_user_has_its_own_cards_and_disks_and_the_os_for_the_board() {
    let parts = recorded(include_str!("../../../testdata/linux/server.tree"));
    assert_eq!(
        parts.text(),
        "B4:96:91:00:00:10,B4:96:91:00:00:11|NAA.5000C500A1B2C3D4,S62ANJ0R100001,S62ANJ0R100002,ZC1100003|OS:9F8E7D6C5B4A39281706F5E4D3C2B1A0|0X48-0XD01-0X1-0"
    );
}

#[test]
fn a_cloud_desktop_gives_the_little_it_has_and_says_what_it_is() {
    let parts = recorded(include_str!("../../../testdata/linux/cloud-desktop.tree"));
    assert_eq!(
        parts.text(),
        "FA:16:3E:01:02:03||OS:3D1219C7C4C5404AAA1F6D2A48ADFDA4|0600000100050657"
    );
    assert_eq!(parts.hint, Some(MachineKind::VirtualMachine));
}

#[test]
fn wsl_and_containers_are_told_before_the_machine_below_them() {
    let wsl = recorded(include_str!("../../../testdata/linux/wsl.tree"));
    assert_eq!(wsl.hint, Some(MachineKind::Wsl));
    assert_eq!(wsl.text(), "00:15:5D:7A:10:02||OS:0123456789ABCDEF0123456789ABCDEF|");
    let container = recorded(include_str!("../../../testdata/linux/container.tree"));
    assert_eq!(container.hint, Some(MachineKind::Container));
    assert_eq!(container.text(), "02:42:AC:11:00:02|||");
}

#[test]
fn an_empty_machine_is_read_without_complaint() {
    assert_eq!(recorded("").text(), "|||");
}
