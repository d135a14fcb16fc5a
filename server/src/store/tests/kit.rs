//! What every database must do with tenants, applications, users and logins.

use super::suite::fresh;
use crate::store::*;

fn tenant(id: &str, instance: &str, tenant: &str) -> KitTenant {
    KitTenant {
        id: id.to_owned(),
        instance_id: instance.to_owned(),
        tenant_id: tenant.to_owned(),
        order_id: "CS1".to_owned(),
        tenant_code: format!("code-{tenant}"),
        name: "某某科技".to_owned(),
        domain_name: format!("https://{instance}.example.com"),
        created_at: 100,
        changed_at: 100,
    }
}

fn application(id: &str, instance: &str, tenant: &str) -> KitApplication {
    KitApplication {
        id: id.to_owned(),
        instance_id: instance.to_owned(),
        tenant_id: tenant.to_owned(),
        app_id: "a".to_owned(),
        client_id: "c".to_owned(),
        client_secret: vec![0, 255, 7],
        created_at: 100,
        changed_at: 100,
    }
}

fn user(id: &str, name: &str) -> KitUser {
    KitUser {
        id: id.to_owned(),
        instance_id: "i".to_owned(),
        tenant_id: "t".to_owned(),
        app_id: "a".to_owned(),
        user_name: name.to_owned(),
        name: "张 \"三\" '𠮷'".to_owned(),
        position: None,
        org_code: "D01".to_owned(),
        role: "user".to_owned(),
        enabled: true,
        employee_code: Some(String::new()),
        mobile: Some("13800000000".to_owned()),
        email: None,
        entry_date: Some("2020-01-01".to_owned()),
        employee_type: Some(4),
        work_place: None,
        created_at: 100,
        changed_at: 100,
    }
}

fn all(limit: i64) -> KitQuery {
    KitQuery { limit, ..KitQuery::default() }
}

#[tokio::test]
async fn a_tenant_is_one_row_whatever_comes() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.put_kit_tenant(&tenant("1", "i", "t"), false).await.unwrap();
    let again = KitTenant { order_id: "CS2".into(), changed_at: 200, ..tenant("2", "i", "t") };
    tx.put_kit_tenant(&again, false).await.unwrap();
    let expected = KitTenant { id: "1".into(), created_at: 100, ..again };
    assert_eq!(tx.kit_tenants(&all(9)).await.unwrap(), [expected.clone()]);

    // A change is of name and domain.
    let changed = KitTenant {
        order_id: "CS3".into(),
        tenant_code: "other".into(),
        name: "另一".into(),
        domain_name: "https://new.example.com".into(),
        changed_at: 300,
        ..tenant("3", "i", "t")
    };
    tx.put_kit_tenant(&changed, true).await.unwrap();
    let expected = KitTenant {
        name: changed.name.clone(),
        domain_name: changed.domain_name.clone(),
        changed_at: 300,
        ..expected
    };
    assert_eq!(tx.kit_tenants(&all(9)).await.unwrap(), [expected]);

    tx.put_kit_tenant(&tenant("4", "other", "t"), true).await.unwrap();
    for _ in 0..2 {
        tx.delete_kit_tenant("i", "t").await.unwrap();
    }
    assert_eq!(tx.kit_tenants(&all(9)).await.unwrap(), [tenant("4", "other", "t")]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn lists_are_narrowed_and_paged() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for (id, instance, of) in [("1", "i", "t"), ("2", "i", "u"), ("3", "j", "t")] {
        tx.put_kit_tenant(&tenant(id, instance, of), false).await.unwrap();
        tx.put_kit_application(&application(id, instance, of)).await.unwrap();
    }
    for (query, expected) in [
        (all(2), &["1", "2"][..]),
        (KitQuery { after: Some("2".into()), ..all(9) }, &["3"]),
        (KitQuery { instance_id: Some("i".into()), ..all(9) }, &["1", "2"]),
        (KitQuery { tenant_id: Some("t".into()), ..all(9) }, &["1", "3"]),
        (KitQuery { tenant_id: Some("x".into()), ..all(9) }, &[]),
    ] {
        let tenants = tx.kit_tenants(&query).await.unwrap();
        assert_eq!(tenants.iter().map(|row| &row.id).collect::<Vec<_>>(), expected);
        let applications = tx.kit_applications(&query).await.unwrap();
        assert_eq!(applications.iter().map(|row| &row.id).collect::<Vec<_>>(), expected);
    }
    let other = KitQuery { app_id: Some("b".into()), ..all(9) };
    assert!(tx.kit_applications(&other).await.unwrap().is_empty());

    let newer =
        KitApplication { client_secret: vec![1], changed_at: 200, ..application("9", "i", "t") };
    tx.put_kit_application(&newer).await.unwrap();
    let rows = tx.kit_applications(&all(1)).await.unwrap();
    assert!(rows == [KitApplication { id: "1".into(), ..newer }]);
    tx.delete_kit_application("i", "t", "b").await.unwrap();
    tx.delete_kit_application("i", "t", "a").await.unwrap();
    assert_eq!(tx.kit_applications(&all(9)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn users_come_and_go_in_numbers() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    let users: Vec<KitUser> =
        (0..500).map(|n| user(&format!("{n:03}"), &format!("u{n}"))).collect();
    tx.put_kit_users(&users).await.unwrap();
    assert!(tx.kit_users(&all(1000)).await.unwrap() == users);

    let changed = KitUser {
        role: "admin".into(),
        enabled: false,
        email: Some("u7@example.com".into()),
        employee_type: None,
        changed_at: 200,
        ..user("other", "u7")
    };
    tx.put_kit_users(std::slice::from_ref(&changed)).await.unwrap();
    let door = KitDoor {
        instance_id: "i".into(),
        tenant_id: "t".into(),
        app_id: "a".into(),
        client_id: String::new(),
        client_secret: Vec::new(),
        domain_name: String::new(),
    };
    let found = tx.kit_user(&door, "u7").await.unwrap().unwrap();
    assert!(found == KitUser { id: "007".into(), ..changed });
    assert!(tx.kit_user(&door, "u500").await.unwrap().is_none());

    let mut names: Vec<String> = (0..499).map(|n| format!("u{n}")).collect();
    names.push("nobody's \"name\"".into());
    tx.delete_kit_users("i", "t", "b", &names).await.unwrap();
    assert_eq!(tx.kit_users(&all(1000)).await.unwrap().len(), 500);
    tx.delete_kit_users("i", "t", "a", &names).await.unwrap();
    assert!(tx.kit_users(&all(1000)).await.unwrap() == [user("499", "u499")]);
}

#[tokio::test]
async fn equal_departments_are_kept_once() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    let row = |id: &str, whole, digest: u8, at| KitOrganisation {
        id: id.to_owned(),
        instance_id: String::new(),
        tenant_id: "t".to_owned(),
        whole,
        digest: vec![digest; 32],
        body: r#"{"orgs": ["研发"]}"#.to_owned(),
        received_at: at,
    };
    for row in [row("1", true, 1, 100), row("2", true, 1, 200), row("3", false, 1, 300)] {
        tx.put_kit_organisation(&row).await.unwrap();
    }
    let heads = tx.kit_organisations(&all(9)).await.unwrap();
    let shown: Vec<_> =
        heads.iter().map(|head| (head.id.as_str(), head.whole, head.received_at)).collect();
    assert_eq!(shown, [("1", true, 200), ("3", false, 300)]);
    assert_eq!(heads[0].bytes, 20);
    let one = tx.kit_organisation("1").await.unwrap().unwrap();
    assert!(one == row("1", true, 1, 200));
    assert!(tx.kit_organisation("2").await.unwrap().is_none());
}

#[tokio::test]
async fn a_door_is_an_application_with_its_tenant() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.put_kit_application(&application("1", "i", "t")).await.unwrap();
    assert!(tx.kit_doors("a", None, None).await.unwrap().is_empty(), "no tenant was told");

    // Told while the seller applied for the credentials, so without an instance.
    tx.put_kit_tenant(&tenant("1", "", "t"), false).await.unwrap();
    let doors = tx.kit_doors("a", None, None).await.unwrap();
    assert_eq!(doors.len(), 1);
    assert_eq!(doors[0].domain_name, "https://.example.com");
    assert_eq!(doors[0].client_secret, [0, 255, 7]);

    tx.put_kit_tenant(&tenant("2", "i", "t"), false).await.unwrap();
    let doors = tx.kit_doors("a", None, None).await.unwrap();
    assert_eq!(doors.len(), 1);
    assert_eq!(doors[0].domain_name, "https://i.example.com");

    tx.put_kit_tenant(&tenant("3", "i", "u"), false).await.unwrap();
    tx.put_kit_application(&application("2", "i", "u")).await.unwrap();
    let count = async |tx: &mut dyn Tx, instance, tenant| {
        tx.kit_doors("a", instance, tenant).await.unwrap().len()
    };
    assert_eq!(count(&mut *tx, None, None).await, 2);
    assert_eq!(count(&mut *tx, Some("i"), Some("u")).await, 1);
    assert_eq!(count(&mut *tx, None, Some("code-t")).await, 1);
    assert_eq!(count(&mut *tx, Some("j"), None).await, 0);
    assert!(tx.kit_doors("b", None, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_login_is_taken_once_and_in_time() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_login(&[1; 32], b"who", 200).await.unwrap();
    tx.add_login(&[2; 32], b"late", 100).await.unwrap();
    assert_eq!(tx.take_login(&[3; 32], 100).await.unwrap(), None);
    assert_eq!(tx.take_login(&[2; 32], 100).await.unwrap(), None);
    assert_eq!(tx.take_login(&[1; 32], 199).await.unwrap().as_deref(), Some(&b"who"[..]));
    assert_eq!(tx.take_login(&[1; 32], 199).await.unwrap(), None);
    assert_eq!(tx.sweep_logins(99, 9).await.unwrap(), 0);
    assert_eq!(tx.sweep_logins(100, 9).await.unwrap(), 1);
    assert_eq!(tx.sweep_logins(100, 9).await.unwrap(), 0);
}
