//! Tenants, applications, users and departments of the marketplace's joint-operation kit.

use license_core::api::{DepartmentView, TenantApplicationView, TenantView, UserView};

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{text, time};

const NOTHING: Bilingual = (
    "nothing; the marketplace tells it when a buyer uses the joint-operation kit",
    "没有记录；买家使用联营Kit时由云商店同步",
);

impl Listed for TenantView {
    const PATH: &'static str = "/api/v1/tenants";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("tenant", "企业", |row, _| text(&row.tenant_id)),
        ("code", "标识", |row, _| text(&row.tenant_code)),
        ("name", "名称", |row, _| text(&row.name)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("authentication centre", "认证中心", |row, _| text(&row.domain_name)),
        ("changed", "更新", |row, _| time(row.changed_at)),
    ];
    const EMPTY: Bilingual = NOTHING;
}

impl Listed for TenantApplicationView {
    const PATH: &'static str = "/api/v1/applications";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("application", "应用", |row, _| text(&row.app_id)),
        ("client", "客户端", |row, _| text(&row.client_id)),
        ("tenant", "企业", |row, _| text(&row.tenant_id)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("changed", "更新", |row, _| time(row.changed_at)),
    ];
    const EMPTY: Bilingual = NOTHING;
}

impl Listed for UserView {
    const PATH: &'static str = "/api/v1/users";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("user", "用户", |row, _| text(&row.user_name)),
        ("name", "姓名", |row, _| text(&row.name)),
        ("role", "角色", |row, _| text(&row.role)),
        ("enabled", "启用", |row, _| text(row.enabled)),
        ("department", "部门", |row, _| text(&row.org_code)),
        ("application", "应用", |row, _| text(&row.app_id)),
        ("tenant", "企业", |row, _| text(&row.tenant_id)),
        ("changed", "更新", |row, _| time(row.changed_at)),
    ];
    const EMPTY: Bilingual = NOTHING;
}

impl Listed for DepartmentView {
    const PATH: &'static str = "/api/v1/departments";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("call", "调用", |row, _| text(&row.id)),
        ("whole", "全量", |row, _| text(row.whole)),
        ("bytes", "字节", |row, _| text(row.bytes)),
        ("tenant", "企业", |row, _| text(&row.tenant_id)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("received", "接收", |row, _| time(row.received_at)),
    ];
    const EMPTY: Bilingual = NOTHING;
}
