//! `licctl tenant`, `licctl application`, `licctl user`, `licctl department`: what the
//! marketplace's joint-operation kit told a server.

use std::process::ExitCode;

use license_core::Lang;
use serde_json::Value;

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::table::{self, text, time};

/// See the enterprises of buyers that the marketplace told of.
#[derive(clap::Args)]
pub(crate) struct Tenants {
    #[command(subcommand)]
    command: Command,
}

/// See the applications of buyers' enterprises; their secrets are never shown.
#[derive(clap::Args)]
pub(crate) struct Applications {
    #[command(subcommand)]
    command: Command,
}

/// See who of a buyer's enterprise may use an application.
#[derive(clap::Args)]
pub(crate) struct Users {
    #[command(subcommand)]
    command: Command,
}

/// See the calls that told of departments.
#[derive(clap::Args)]
pub(crate) struct Departments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List them.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        /// Only of this enterprise.
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// The columns of a list: English, Chinese, where in a row.
type Columns = &'static [(&'static str, &'static str, &'static str)];

impl Tenants {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let columns: Columns = &[
            ("tenant", "企业", "/tenant_id"),
            ("code", "标识", "/tenant_code"),
            ("name", "名称", "/name"),
            ("instance", "实例", "/instance_id"),
            ("authentication centre", "认证中心", "/domain_name"),
            ("changed", "更新", "/changed_at"),
        ];
        self.command.run("/api/v1/tenants", columns, out)
    }
}

impl Applications {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let columns: Columns = &[
            ("application", "应用", "/app_id"),
            ("client", "客户端", "/client_id"),
            ("tenant", "企业", "/tenant_id"),
            ("instance", "实例", "/instance_id"),
            ("changed", "更新", "/changed_at"),
        ];
        self.command.run("/api/v1/applications", columns, out)
    }
}

impl Users {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let columns: Columns = &[
            ("user", "用户", "/user_name"),
            ("name", "姓名", "/name"),
            ("role", "角色", "/role"),
            ("enabled", "启用", "/enabled"),
            ("department", "部门", "/org_code"),
            ("application", "应用", "/app_id"),
            ("tenant", "企业", "/tenant_id"),
            ("changed", "更新", "/changed_at"),
        ];
        self.command.run("/api/v1/users", columns, out)
    }
}

impl Departments {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let columns: Columns = &[
            ("call", "调用", "/id"),
            ("whole", "全量", "/whole"),
            ("bytes", "字节", "/bytes"),
            ("tenant", "企业", "/tenant_id"),
            ("instance", "实例", "/instance_id"),
            ("received", "接收", "/received_at"),
        ];
        self.command.run("/api/v1/departments", columns, out)
    }
}

impl Command {
    fn run(self, path: &str, columns: Columns, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Self::List { instance, tenant, server } = self;
        let admin = server.connect(out)?;
        let filters = [("instance_id", instance.as_deref()), ("tenant_id", tenant.as_deref())];
        let rows: Vec<Value> = admin.list(path, &filters, |row: &Value| text(row, "/id"))?;
        if out.is_json() {
            out.value(&rows)?;
            return Ok(ExitCode::SUCCESS);
        }
        if rows.is_empty() {
            let empty = out.pick(
                "nothing; the marketplace tells it when a buyer uses the joint-operation kit",
                "没有记录；买家使用联营Kit时由云商店同步",
            );
            let empty = empty.to_owned();
            out.line(empty)?;
            return Ok(ExitCode::SUCCESS);
        }
        let chinese = out.lang() == Lang::Zh;
        let head = columns.iter().map(|(en, zh, _)| if chinese { *zh } else { *en });
        let mut table = table::new([""; 0]);
        table.set_header(head);
        for row in &rows {
            table.add_row(columns.iter().map(|(_, _, pointer)| {
                if pointer.ends_with("_at") { time(row, pointer) } else { text(row, pointer) }
            }));
        }
        out.line(table.trim_fmt())?;
        Ok(ExitCode::SUCCESS)
    }
}
