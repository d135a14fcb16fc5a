//! What most rules start from: a server that sells flowsim.

use koogallery_sim::SoldOrder;
use license_tests::market::TestMarketplace;
use license_tests::server::{Server, Site};
use license_tests::time;
pub(crate) use license_tests::time::SOON;

/// A shop: marketplace, seller's site, running server.
pub(crate) struct Shop {
    pub(crate) marketplace: TestMarketplace,
    pub(crate) site: Site,
    pub(crate) server: Server,
}

impl Shop {
    /// Sells flowsim.
    pub(crate) fn open() -> Self {
        let shop = Self::without_product();
        shop.server.apply_product(&license_tests::flowsim());
        shop
    }

    /// Has not configured anything to sell yet.
    pub(crate) fn without_product() -> Self {
        let marketplace = TestMarketplace::start();
        let site = Site::towards(&marketplace);
        let server = site.start();
        Self { marketplace, site, server }
    }

    /// An instance whose order was read.
    pub(crate) fn sold(&self, order: &SoldOrder) -> String {
        self.marketplace.sell(order);
        self.server.buy_and_read(&order.id)
    }

    /// Power cut, and on again.
    pub(crate) fn power_cut(self) -> Self {
        let Self { marketplace, site, server } = self;
        server.kill();
        let server = site.start();
        Self { marketplace, site, server }
    }

    /// The license for this event, once it arrived.
    pub(crate) fn license(&self, event: &str) -> String {
        self.marketplace.wait_for(event, SOON).license
    }
}

/// A new event's name.
pub(crate) fn event() -> String {
    format!("EV-{}", time::unique())
}
