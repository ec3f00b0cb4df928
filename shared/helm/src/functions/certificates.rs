//! Keys and certificates. They come from the render's seed.

use std::net::IpAddr;

use super::encoding::from_base64;
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::keys::{Certificate, Key, Request, check_certificate, decode_pem};
use crate::value::{Object, Ty, Value};

/// The size of the keys that certificates get.
const BITS: u64 = 2048;

const NAMES: &[Ty] = &[Ty::Str, Ty::List, Ty::List, Ty::Int];

pub(super) const FUNCTIONS: &[Function] = &[
    function("genPrivateKey", &[Ty::Str], private_key),
    function("genCA", &[Ty::Str, Ty::Int], |context, args| {
        let key = rsa(context)?;
        authority(context, args, &key)
    }),
    function("genCAWithKey", &[Ty::Str, Ty::Int, Ty::Str], |context, args| {
        let key = given_key(args.text(2))?;
        authority(context, args, &key)
    }),
    function("genSelfSignedCert", NAMES, |context, args| {
        let key = rsa(context)?;
        self_signed(context, args, &key)
    }),
    function(
        "genSelfSignedCertWithKey",
        &[Ty::Str, Ty::List, Ty::List, Ty::Int, Ty::Str],
        |context, args| {
            let key = given_key(args.text(4))?;
            self_signed(context, args, &key)
        },
    ),
    function(
        "genSignedCert",
        &[Ty::Str, Ty::List, Ty::List, Ty::Int, Ty::Certificate],
        |context, args| {
            let key = rsa(context)?;
            signed(context, args, &key)
        },
    ),
    function(
        "genSignedCertWithKey",
        &[Ty::Str, Ty::List, Ty::List, Ty::Int, Ty::Certificate, Ty::Str],
        |context, args| {
            let key = given_key(args.text(5))?;
            signed(context, args, &key)
        },
    ),
    function("buildCustomCert", &[Ty::Str, Ty::Str], |_, args| custom(args)),
];

fn private_key(context: &mut Context, args: Args<'_>) -> Answer {
    let key = match args.text(0) {
        "" | "rsa" => {
            context.make_key(8)?;
            Key::rsa(&mut context.random.fork(), 4096)
        }
        "dsa" => {
            context.make_key(4)?;
            Key::dsa(&mut context.random.fork())
        }
        "ecdsa" => {
            context.make_key(1)?;
            Key::ecdsa(&mut context.random.fork())
        }
        "ed25519" => Key::ed25519(&mut context.random.fork()),
        other => return Ok(format!("Unknown type {other}").into()),
    };
    Ok(key.to_pem().into())
}

fn rsa(context: &mut Context) -> Result<Key, String> {
    context.make_key(1)?;
    Ok(Key::rsa(&mut context.random.fork(), BITS))
}

fn given_key(pem: &str) -> Result<Key, String> {
    Key::from_pem(pem).map_err(|error| format!("parsing private key: {error}"))
}

fn to_value(certificate: Certificate) -> Value {
    let fields = vec![("Cert", certificate.certificate.into()), ("Key", certificate.key.into())];
    Value::Object(Object::new("sprig.certificate", fields, &[]))
}

fn authority(context: &mut Context, args: Args<'_>, key: &Key) -> Answer {
    context.make_key(0)?;
    let request = Request {
        name: args.text(0),
        addresses: Vec::new(),
        hosts: Vec::new(),
        days: args.int(1),
        authority: true,
        now: context.now,
    };
    Certificate::self_signed(&request, key, &mut context.random).map(to_value)
}

/// What a certificate is asked for with, from the first four arguments.
fn request<'a>(context: &Context, args: Args<'a>) -> Result<Request<'a>, String> {
    let list = |index: usize| args.value(index).as_list().unwrap_or_default();
    let text = |value: &Value| crate::format::to_text(value);
    let mut addresses = Vec::new();
    for value in list(1) {
        let Value::Str(address) = value else {
            return Err(format!("error parsing ip: {} is not a string", text(value)?));
        };
        let parsed: Result<IpAddr, _> = address.parse();
        addresses.push(parsed.map_err(|_| format!("error parsing ip: {address}"))?);
    }
    let mut hosts = Vec::new();
    for value in list(2) {
        let Value::Str(host) = value else {
            let host = text(value)?;
            return Err(format!("error processing alternate dns name: {host} is not a string"));
        };
        hosts.push(host.to_string());
    }
    let (name, days, now) = (args.text(0), args.int(3), context.now);
    Ok(Request { name, addresses, hosts, days, authority: false, now })
}

fn self_signed(context: &mut Context, args: Args<'_>, key: &Key) -> Answer {
    context.make_key(0)?;
    let request = request(context, args)?;
    Certificate::self_signed(&request, key, &mut context.random).map(to_value)
}

fn signed(context: &mut Context, args: Args<'_>, key: &Key) -> Answer {
    context.make_key(0)?;
    let request = request(context, args)?;
    let Value::Object(authority) = args.value(4) else { return Ok(Value::Nil) };
    let part = |name: &str| authority.field(name).and_then(Value::as_str).unwrap_or_default();
    let authority = (part("Cert"), part("Key"));
    Certificate::signed(&request, key, authority, &mut context.random).map(to_value)
}

fn custom(args: Args<'_>) -> Answer {
    let decoded = |index: usize, what: &str| {
        let bytes =
            from_base64(args.text(index)).map_err(|_| format!("unable to decode base64 {what}"))?;
        Ok::<_, String>(crate::value::from_bytes(&bytes).into_owned())
    };
    let (certificate, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    let (_, bytes) = decode_pem(&certificate).ok_or("unable to decode certificate")?;
    if !check_certificate(&bytes) {
        return Err(
            "error parsing certificate: decodedCert.Bytes: x509: malformed certificate".to_owned()
        );
    }
    decode_pem(&key).ok_or("error parsing private key: no PEM data in input")?;
    Ok(to_value(Certificate { certificate, key }))
}
