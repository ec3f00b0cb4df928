//! Passwords, and texts under a password.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use blowfish::Blowfish;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::encoding::from_base64;
use super::{Answer, Args, Function, function};
use crate::context::Context;
use crate::value::{Ty, Value, from_bytes, to_bytes};

pub(super) const FUNCTIONS: &[Function] = &[
    function("bcrypt", &[Ty::Str], |context, args| Ok(bcrypt(context, args.text(0))?.into())),
    function("htpasswd", &[Ty::Str, Ty::Str], |context, args| {
        let user = args.text(0);
        if user.contains(':') {
            return Ok(format!("invalid username: {user}").into());
        }
        Ok(format!("{user}:{}", bcrypt(context, args.text(1))?).into())
    }),
    function("derivePassword", &[Ty::Uint32, Ty::Str, Ty::Str, Ty::Str, Ty::Str], derive),
    function("encryptAES", &[Ty::Str, Ty::Str], encrypt),
    function("decryptAES", &[Ty::Str, Ty::Str], |_, args| decrypt(args)),
];

/// Go's default: two to the tenth rounds.
const COST: u32 = 10;

/// The alphabet of bcrypt's Base64.
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn bcrypt(context: &mut Context, password: &str) -> Result<String, String> {
    let password = to_bytes(password);
    if password.len() > 72 {
        let why = "bcrypt: password length exceeds 72 bytes";
        return Ok(format!("failed to encrypt string with bcrypt: {why}"));
    }
    context.make_key(1)?;
    let mut salt = [0; 16];
    context.random.fill(&mut salt);
    let key = [password.as_ref(), &[0]].concat();
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1 << COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut hash = Vec::new();
    for pair in ["OrpheanB", "eholderS", "cryDoubt"] {
        let word = |at: usize| {
            pair.bytes().skip(at).take(4).fold(0u32, |word, byte| word << 8 | u32::from(byte))
        };
        let mut words = [word(0), word(4)];
        for _ in 0..64 {
            words = state.bc_encrypt(words);
        }
        words.iter().for_each(|word| hash.extend_from_slice(&word.to_be_bytes()));
    }
    // The last byte is dropped, as it always was.
    hash.pop();
    Ok(format!("$2a${COST}${}{}", bcrypt_text(&salt), bcrypt_text(&hash)))
}

fn bcrypt_text(bytes: &[u8]) -> String {
    let swap = |c: u8| BASE64.iter().position(|other| *other == c).map(|at| char::from(BCRYPT[at]));
    STANDARD_NO_PAD.encode(bytes).bytes().filter_map(swap).collect()
}

/// What a kind of password looks like: each letter stands for a class of characters.
fn forms(kind: &str) -> &'static [&'static str] {
    match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => &[],
    }
}

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The password of a site, by the Master Password algorithm.
fn derive(context: &mut Context, args: Args<'_>) -> Answer {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let (kind, password) = (args.text(1), to_bytes(args.text(2)));
    let (user, site) = (to_bytes(args.text(3)), to_bytes(args.text(4)));
    let forms = forms(kind);
    if forms.is_empty() {
        return Ok(format!("cannot find password template {kind}").into());
    }
    context.make_key(1)?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    let salt = [SCOPE, &length(&user), &user].concat();
    let params = scrypt::Params::new(15, 8, 2, 64).map_err(|error| error.to_string())?;
    let mut key = [0; 64];
    scrypt::scrypt(&password, &salt, &params, &mut key).map_err(|error| error.to_string())?;
    let counter = match args.value(0) {
        Value::Int(number) | Value::Other(_, number) => *number as u32,
        _ => 0,
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(&[SCOPE, &length(&site), &site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let form = forms[usize::from(seed[0]) % forms.len()];
    let letters = form.bytes().zip(seed.iter().skip(1)).map(|(letter, byte)| {
        let class = class(letter);
        char::from(class[usize::from(*byte) % class.len()])
    });
    Ok(letters.collect::<String>().into())
}

/// A key is cut, or filled with zeros, to 32 bytes.
fn aes_key(password: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.iter_mut().zip(to_bytes(password).iter()).for_each(|(to, from)| *to = *from);
    key
}

fn encrypt(context: &mut Context, args: Args<'_>) -> Answer {
    let text = to_bytes(args.text(1));
    if text.is_empty() {
        return Ok("".into());
    }
    let mut start = [0; 16];
    context.random.fill(&mut start);
    let cipher = cbc::Encryptor::<Aes256>::new(&aes_key(args.text(0)).into(), &start.into());
    let encrypted = cipher.encrypt_padded_vec_mut::<Pkcs7>(&text);
    Ok(STANDARD.encode([&start[..], &encrypted].concat()).into())
}

fn decrypt(args: Args<'_>) -> Answer {
    if args.text(1).is_empty() {
        return Ok("".into());
    }
    let bytes = from_base64(args.text(1))?;
    let Some((start, encrypted)) = bytes.split_first_chunk::<16>() else {
        let (length, capacity) = (16, bytes.len());
        return Err(format!(
            "runtime error: slice bounds out of range [:{length}] with capacity {capacity}"
        ));
    };
    let cipher = cbc::Decryptor::<Aes256>::new(&aes_key(args.text(0)).into(), start.into());
    let plain = cipher
        .decrypt_padded_vec_mut::<NoPadding>(encrypted)
        .map_err(|_| "crypto/cipher: input not full blocks".to_owned())?;
    let padding = usize::from(plain.last().copied().unwrap_or_default());
    match plain.len().checked_sub(padding).filter(|_| !plain.is_empty()) {
        Some(length) => Ok(Value::str(from_bytes(&plain[..length]))),
        None => Err("runtime error: slice bounds out of range".to_owned()),
    }
}
