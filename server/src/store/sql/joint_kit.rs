//! The joint-operation kit.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::{
    Kit, KitApplication, KitDoor, KitOrganisation, KitOrganisationHead, KitQuery, KitTenant,
    KitUser, StoreError,
};

#[async_trait]
impl Kit for DbTx {
    async fn put_kit_tenant(
        &mut self,
        tenant: &KitTenant,
        named_only: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO kit_tenants (id, instance_id, tenant_id, order_id, tenant_code, \
             name, domain_name, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, \
             $8, $9) ON CONFLICT (instance_id, tenant_id) DO UPDATE SET order_id = CASE WHEN \
             $10 THEN kit_tenants.order_id ELSE excluded.order_id END, tenant_code = CASE \
             WHEN $10 THEN kit_tenants.tenant_code ELSE excluded.tenant_code END, name = \
             excluded.name, domain_name = excluded.domain_name, changed_at = \
             excluded.changed_at",
        )
        .bind(&tenant.id)
        .bind(&tenant.instance_id)
        .bind(&tenant.tenant_id)
        .bind(&tenant.order_id)
        .bind(&tenant.tenant_code)
        .bind(&tenant.name)
        .bind(&tenant.domain_name)
        .bind(tenant.created_at)
        .bind(tenant.changed_at)
        .bind(named_only)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn delete_kit_tenant(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM kit_tenants WHERE instance_id = $1 AND tenant_id = $2")
            .bind(instance_id)
            .bind(tenant_id)
            .execute(self.flushed().await?)
            .await?;
        Ok(())
    }

    async fn kit_tenants(&mut self, query: &KitQuery) -> Result<Vec<KitTenant>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM kit_tenants WHERE (CAST($1 AS TEXT) IS NULL OR instance_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2) AND (CAST($3 AS TEXT) IS NULL \
             OR id > $3) ORDER BY id LIMIT $4",
        )
        .bind(&query.instance_id)
        .bind(&query.tenant_id)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn put_kit_application(
        &mut self,
        application: &KitApplication,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO kit_applications (id, instance_id, tenant_id, app_id, client_id, \
             client_secret, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (instance_id, tenant_id, app_id) DO UPDATE SET client_id = \
             excluded.client_id, client_secret = excluded.client_secret, changed_at = \
             excluded.changed_at",
        )
        .bind(&application.id)
        .bind(&application.instance_id)
        .bind(&application.tenant_id)
        .bind(&application.app_id)
        .bind(&application.client_id)
        .bind(&application.client_secret)
        .bind(application.created_at)
        .bind(application.changed_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn delete_kit_application(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
        app_id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM kit_applications WHERE instance_id = $1 AND tenant_id = $2 AND \
             app_id = $3",
        )
        .bind(instance_id)
        .bind(tenant_id)
        .bind(app_id)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn kit_applications(
        &mut self,
        query: &KitQuery,
    ) -> Result<Vec<KitApplication>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM kit_applications WHERE (CAST($1 AS TEXT) IS NULL OR instance_id = \
             $1) AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2) AND (CAST($3 AS TEXT) IS \
             NULL OR id > $3) AND (CAST($5 AS TEXT) IS NULL OR app_id = $5) ORDER BY id \
             LIMIT $4",
        )
        .bind(&query.instance_id)
        .bind(&query.tenant_id)
        .bind(&query.after)
        .bind(query.limit)
        .bind(&query.app_id)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn put_kit_users(&mut self, users: &[KitUser]) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "INSERT INTO kit_users (id, instance_id, tenant_id, app_id, user_name, name, \
             position, org_code, role, enabled, employee_code, mobile, email, entry_date, \
             employee_type, work_place, created_at, changed_at) ",
            sent_kit_users!("$1"),
            " ON CONFLICT (instance_id, tenant_id, app_id, \
             user_name) DO UPDATE SET name = excluded.name, position = excluded.position, \
             org_code = excluded.org_code, role = excluded.role, enabled = excluded.enabled, \
             employee_code = excluded.employee_code, mobile = excluded.mobile, email = \
             excluded.email, entry_date = excluded.entry_date, employee_type = \
             excluded.employee_type, work_place = excluded.work_place, changed_at = \
             excluded.changed_at"
        ))
        .bind(KitUser::json(users)?)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn delete_kit_users(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
        app_id: &str,
        user_names: &[String],
    ) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "DELETE FROM kit_users WHERE instance_id = $1 AND tenant_id = $2 AND app_id = $3 \
             AND user_name ",
            in_list!("$4")
        ))
        .bind(instance_id)
        .bind(tenant_id)
        .bind(app_id)
        .bind(list(user_names)?)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn kit_users(&mut self, query: &KitQuery) -> Result<Vec<KitUser>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM kit_users WHERE (CAST($1 AS TEXT) IS NULL OR instance_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2) AND (CAST($3 AS TEXT) IS NULL \
             OR id > $3) AND (CAST($5 AS TEXT) IS NULL OR app_id = $5) ORDER BY id LIMIT $4",
        )
        .bind(&query.instance_id)
        .bind(&query.tenant_id)
        .bind(&query.after)
        .bind(query.limit)
        .bind(&query.app_id)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn kit_user(
        &mut self,
        door: &KitDoor,
        user_name: &str,
    ) -> Result<Option<KitUser>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM kit_users WHERE instance_id = $1 AND tenant_id = $2 AND app_id = \
             $3 AND user_name = $4",
        )
        .bind(&door.instance_id)
        .bind(&door.tenant_id)
        .bind(&door.app_id)
        .bind(user_name)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn put_kit_organisation(
        &mut self,
        organisation: &KitOrganisation,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO kit_organisations (id, instance_id, tenant_id, whole, digest, body, \
             received_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (whole, digest) DO \
             UPDATE SET received_at = excluded.received_at",
        )
        .bind(&organisation.id)
        .bind(&organisation.instance_id)
        .bind(&organisation.tenant_id)
        .bind(organisation.whole)
        .bind(&organisation.digest)
        .bind(&organisation.body)
        .bind(organisation.received_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn kit_organisations(
        &mut self,
        query: &KitQuery,
    ) -> Result<Vec<KitOrganisationHead>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, instance_id, tenant_id, whole, CAST(octet_length(body) AS bigint) AS \
             bytes, received_at FROM kit_organisations WHERE (CAST($1 AS TEXT) IS NULL OR \
             instance_id = $1) AND (CAST($2 AS TEXT) IS NULL OR tenant_id = $2) AND (CAST($3 \
             AS TEXT) IS NULL OR id > $3) ORDER BY id LIMIT $4",
        )
        .bind(&query.instance_id)
        .bind(&query.tenant_id)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn kit_organisation(&mut self, id: &str) -> Result<Option<KitOrganisation>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM kit_organisations WHERE id = $1")
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn kit_doors(
        &mut self,
        app_id: &str,
        instance_id: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<Vec<KitDoor>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT own.instance_id, own.tenant_id, own.app_id, own.client_id, \
             own.client_secret, tenant.domain_name FROM kit_applications AS own JOIN \
             kit_tenants AS tenant ON tenant.tenant_id = own.tenant_id AND \
             (tenant.instance_id = own.instance_id OR (tenant.instance_id = '' AND NOT \
             EXISTS (SELECT 1 FROM kit_tenants AS other WHERE other.instance_id = \
             own.instance_id AND other.tenant_id = own.tenant_id))) WHERE own.app_id = $1 \
             AND (CAST($2 AS TEXT) IS NULL OR own.instance_id = $2) AND (CAST($3 AS TEXT) IS \
             NULL OR own.tenant_id = $3 OR tenant.tenant_code = $3) ORDER BY own.id LIMIT 2",
        )
        .bind(app_id)
        .bind(instance_id)
        .bind(tenant)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn add_login(
        &mut self,
        code: &[u8],
        answer: &[u8],
        expires: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO kit_logins (code, answer, expires) VALUES ($1, $2, $3)")
            .bind(code)
            .bind(answer)
            .bind(expires)
            .execute(self.flushed().await?)
            .await?;
        Ok(())
    }

    async fn take_login(&mut self, code: &[u8], now: i64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar(
            "DELETE FROM kit_logins WHERE code = $1 AND expires > $2 RETURNING answer",
        )
        .bind(code)
        .bind(now)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn sweep_logins(&mut self, now: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(concat!(
            "DELETE FROM kit_logins WHERE code IN (SELECT code FROM kit_logins WHERE expires \
             <= $1 LIMIT $2",
            skip_locked!(),
            ")"
        ))
        .bind(now)
        .bind(limit)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }
}
