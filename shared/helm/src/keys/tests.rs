//! What keys and certificates promise.

use super::*;

#[test]
fn the_same_seed_gives_the_same_key_and_another_one_another() {
    let key = |seed: u8| Key::rsa(&mut Random::new([seed; 32]), 512).to_pem();
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
    let again = Key::from_pem(&key(1)).map(|key| key.to_pem());
    assert_eq!(again, Ok(key(1)));
}

#[test]
fn a_certificate_of_an_authority_names_it() {
    let mut random = Random::new([3; 32]);
    let request = |name, authority| Request {
        name,
        addresses: Vec::new(),
        hosts: vec!["a.example.com".to_owned()],
        days: 365,
        authority,
        now: 1_700_000_000_000_000,
    };
    let key = Key::rsa(&mut random, 512);
    let authority =
        Certificate::self_signed(&request("ca", true), &key, &mut random).expect("it can sign");
    let pem = (authority.certificate.as_str(), authority.key.as_str());
    let signed = Certificate::signed(&request("a", false), &key, pem, &mut random);
    let (label, bytes) = decode_pem(&signed.expect("it can sign").certificate).expect("PEM");
    assert_eq!(label, "CERTIFICATE");
    assert!(check_certificate(&bytes));
    assert!(bytes.windows(2).any(|pair| pair == b"ca"));
}
