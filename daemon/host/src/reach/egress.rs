//! Where HTTP may go. Names are resolved here alone; the address that was vetted is the address that is dialled, so that a name
//! which changes its mind (DNS rebinding) reaches nothing inside the firm.

use crate::error::HostError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_MOST: usize = 8;
/// Granted by name, it means this machine.
const LOCALHOST: &str = "localhost";

/// The one client that plugins use: no redirects, no proxy, no retries of its own, vetted addresses. Made when it is first needed,
/// since the machine's certificates take longer to read than most commands take in all.
#[derive(Clone)]
pub(crate) struct Client {
    vetting: Vetting,
    made: Arc<OnceLock<reqwest::Client>>,
}

impl Default for Client {
    fn default() -> Client {
        Client::of(Vetting { look: Arc::new(|host| Box::pin(look(host))), public: is_public })
    }
}

impl Client {
    pub(crate) fn of(vetting: Vetting) -> Client {
        Client { vetting, made: Arc::default() }
    }

    pub(crate) fn get(&self) -> Result<&reqwest::Client, HostError> {
        if let Some(client) = self.made.get() {
            return Ok(client);
        }
        let client = made_with(self.vetting.clone())?;
        Ok(self.made.get_or_init(|| client))
    }
}

fn made_with(vetting: Vetting) -> Result<reqwest::Client, HostError> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .dns_resolver(vetting)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_MOST)
        .referer(false)
        .user_agent("remitd")
        .build();
    client.map_err(|error| HostError::Service {
        what: "HTTP client",
        name: "rustls".to_owned(),
        reason: format!("{error:?}"),
    })
}

#[derive(Debug, thiserror::Error)]
#[error(
    "\"{host}\" resolves to {address}, which is not a public address: grant the address itself if it is meant"
)]
pub(crate) struct NotPublic {
    pub host: String,
    pub address: IpAddr,
}

/// The addresses of a name; their ports are not looked at.
pub(crate) type Looking = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolves names and refuses every address that is not public.
#[derive(Clone)]
pub(crate) struct Vetting {
    pub look: Arc<dyn Fn(String) -> Looking + Send + Sync>,
    pub public: fn(IpAddr) -> bool,
}

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let (looking, public) = ((self.look)(host.clone()), self.public);
        Box::pin(async move {
            let vetted = vet(&host, looking.await?, public)?;
            Ok(Box::new(vetted.into_iter()) as Addrs)
        })
    }
}

/// Asks the system.
async fn look(host: String) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.collect())
}

/// All of them or none: a name with one bad address is not to be trusted with the others.
fn vet(host: &str, found: Vec<SocketAddr>, public: fn(IpAddr) -> bool) -> Result<Vec<SocketAddr>, NotPublic> {
    let good = |address: IpAddr| {
        if host == LOCALHOST { canonical(address).is_loopback() } else { public(address) }
    };
    match found.iter().map(SocketAddr::ip).find(|address| !good(*address)) {
        Some(address) => Err(NotPublic { host: host.to_owned(), address }),
        None => Ok(found),
    }
}

/// The IPv4 address inside an IPv6 one, where there is one.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return four.into();
    }
    let [a, b, c, _, _, _, high, low] = six.segments();
    // NAT64, 6to4 and the deprecated IPv4-compatible form carry an IPv4 address.
    match (a, b) {
        (0x64, 0xff9b) => four_of(high, low).into(),
        (0x2002, _) => four_of(b, c).into(),
        (0, 0) if six.segments().iter().take(6).all(|part| *part == 0) && six.to_bits() > 1 => {
            four_of(high, low).into()
        }
        _ => address,
    }
}

fn four_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Whether an address belongs to the public network (IANA's special-purpose registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0)
            | (192, 0, 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast is 2000::/3; of that, protocol assignments (Teredo, ORCHID) and documentation are not for us.
    let global = (0x2000..0x4000).contains(&a);
    let special = matches!((a, b), (0x2001, 0..0x200) | (0x2001, 0xdb8) | (0x3fff, 0..0x1000));
    global && !special
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for bad in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
        for good in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
        {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn one_bad_address_spoils_the_name() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let vet = |host: &str, found| vet(host, found, is_public);
        assert!(vet("api.example.com", vec![at("1.1.1.1")]).is_ok());
        let refused = vet("api.example.com", vec![at("1.1.1.1"), at("10.0.0.1")]).unwrap_err();
        assert!(refused.to_string().contains("api.example.com") && refused.to_string().contains("10.0.0.1"));
        assert!(vet(LOCALHOST, vec![at("127.0.0.1"), at("::1")]).is_ok());
        assert!(vet(LOCALHOST, vec![at("10.0.0.1")]).is_err());
    }
}
