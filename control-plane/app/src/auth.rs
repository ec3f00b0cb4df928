//! Who is it: sign-in links, browser sessions, API tokens and the command's device login (RFC 8628).

use std::time::Duration;

use gimlet_domain::{names::LONGEST_NAME, role::Role};
use gimlet_shared::{
    api::{DevicePoll, DeviceStarted, ExchangeLink, Me, TokenCreated},
    ids::OrganizationId,
};
use gimlet_store::{DeviceLogin, NewDeviceLogin, TenantScope};

use crate::{App, AppError, clusters::check, secrets};

/// A sign-in link is to be opened at once, not to lie in a mailbox.
const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A browser stays signed in for two weeks.
const SESSION_LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);
/// Long enough to find the browser window.
const DEVICE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How often a waiting program may ask.
const DEVICE_INTERVAL_S: u64 = 2;
/// In bytes; long enough for a host's name and a date.
const LONGEST_TOKEN_NAME: usize = 100;

/// A browser that has signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Value of the session cookie.
    pub cookie: String,
    /// Seconds that it lasts.
    pub max_age_s: u64,
}

impl App {
    /// The scope of an API token, `gim_…`.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn scope_of_token(&self, token: &str) -> Result<Option<TenantScope>, AppError> {
        if !token.starts_with("gim_") {
            return Ok(None);
        }
        Ok(self.parts().store.find_scope_by_token(&secrets::hash(token), self.now()).await?)
    }

    /// The scope of a browser session.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn scope_of_session(&self, cookie: &str) -> Result<Option<TenantScope>, AppError> {
        Ok(self.parts().store.find_scope_by_session(&secrets::hash(cookie), self.now()).await?)
    }

    /// Makes a one-time sign-in link for the owner `login` of the organization, both made where missing.
    /// For whoever operates the server: it asks for no credential.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a name that cannot be one; [`AppError::Unavailable`].
    pub async fn create_sign_in_link(
        &self,
        organization: &str,
        login: &str,
    ) -> Result<String, AppError> {
        self.create_sign_in_link_as(organization, login, Role::Owner).await
    }

    /// The same for a member of any role. Who is a member already keeps the role that they have.
    ///
    /// # Errors
    /// As [`App::create_sign_in_link`].
    pub async fn create_sign_in_link_as(
        &self,
        organization: &str,
        login: &str,
        role: Role,
    ) -> Result<String, AppError> {
        check("organization", organization, LONGEST_NAME)?;
        check("login", login, LONGEST_NAME)?;
        let (parts, now) = (self.parts(), self.now());
        let (organization, user) =
            parts.store.ensure_member(&parts.system, organization, login, role, now).await?;
        let code = secrets::new_secret("gsl");
        let expires = now.after(LINK_LIFETIME);
        parts
            .store
            .create_sign_in_link(&parts.system, organization, user, &secrets::hash(&code), expires)
            .await?;
        Ok(self.page(&format!("/sign-in/{code}")))
    }

    /// Spends a sign-in link for a browser session.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`] where the link is unknown, spent or lapsed.
    pub async fn sign_in(&self, code: &str) -> Result<SignedIn, AppError> {
        let (parts, now) = (self.parts(), self.now());
        let cookie = secrets::new_secret("ses");
        let expires = now.after(SESSION_LIFETIME);
        let scope = parts
            .store
            .spend_sign_in_link(&secrets::hash(code), &secrets::hash(&cookie), expires, now)
            .await?
            .ok_or_else(spent_link)?;
        self.tell_activity(scope.organization());
        Ok(SignedIn { cookie, max_age_s: SESSION_LIFETIME.as_secs() })
    }

    /// Ends a browser session.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn sign_out(&self, cookie: &str) -> Result<(), AppError> {
        Ok(self.parts().store.end_session(&secrets::hash(cookie)).await?)
    }

    /// Spends a sign-in link for an API token.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`] where the link is unknown, spent or lapsed; [`AppError::Invalid`].
    pub async fn exchange_link(&self, request: ExchangeLink) -> Result<TokenCreated, AppError> {
        check_token_name(&request.name)?;
        let token = secrets::new_secret("gim");
        let scope = self
            .parts()
            .store
            .spend_sign_in_link_for_token(
                &secrets::hash(&request.code),
                &secrets::hash(&token),
                &request.name,
                self.now(),
            )
            .await?
            .ok_or_else(spent_link)?;
        self.tell_activity(scope.organization());
        Ok(TokenCreated { token, me: self.me(&scope).await? })
    }

    /// Begins a device login.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn start_device_login(&self) -> Result<DeviceStarted, AppError> {
        let device_code = secrets::new_secret("gdc");
        let (hash, store) = (secrets::hash(&device_code), &self.parts().store);
        let user_code = loop {
            let code = secrets::user_code();
            let expires = self.now().after(DEVICE_LIFETIME);
            match store.create_device_login(&secrets::hash(&code), &hash, expires).await? {
                NewDeviceLogin::Created => break code,
                NewDeviceLogin::CodeTaken => {}
            }
        };
        Ok(DeviceStarted {
            device_code,
            verification_uri: self.page("/device"),
            verification_uri_complete: self.page(&format!("/device?code={user_code}")),
            user_code,
            expires_in: DEVICE_LIFETIME.as_secs(),
            interval: DEVICE_INTERVAL_S,
        })
    }

    /// Lets the waiting program act as the caller.
    ///
    /// # Errors
    /// [`AppError::NotFound`] where no such login waits.
    pub async fn approve_device_login(
        &self,
        scope: &TenantScope,
        user_code: &str,
    ) -> Result<(), AppError> {
        let code = secrets::hash(&user_code.trim().to_ascii_uppercase());
        let approved = self.parts().store.approve_device_login(scope, &code, self.now()).await?;
        if approved {
            Ok(())
        } else {
            Err(AppError::NotFound { what: "a waiting login with this code" })
        }
    }

    /// Hands out the token once the login was approved.
    ///
    /// # Errors
    /// [`AppError::DevicePending`], [`AppError::DeviceExpired`], [`AppError::Invalid`].
    pub async fn poll_device_login(&self, request: DevicePoll) -> Result<TokenCreated, AppError> {
        check_token_name(&request.name)?;
        let token = secrets::new_secret("gim");
        let hash = secrets::hash(&request.device_code);
        let store = &self.parts().store;
        match store
            .take_device_login(&hash, &secrets::hash(&token), &request.name, self.now())
            .await?
        {
            DeviceLogin::Approved(scope) => {
                self.tell_activity(scope.organization());
                Ok(TokenCreated { token, me: self.me(&scope).await? })
            }
            DeviceLogin::Pending => Err(AppError::DevicePending),
            DeviceLogin::Expired | DeviceLogin::Unknown => Err(AppError::DeviceExpired),
        }
    }

    /// Who the caller is.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn me(&self, scope: &TenantScope) -> Result<Me, AppError> {
        Ok(Me {
            login: scope.login().to_owned(),
            organization: self.organization_name(scope.organization()).await?,
            role: scope.role().as_str().to_owned(),
        })
    }

    pub(crate) async fn organization_name(
        &self,
        organization: OrganizationId,
    ) -> Result<String, AppError> {
        let name = self.parts().store.find_organization_name(organization).await?;
        name.ok_or(AppError::NotFound { what: "the organization" })
    }
}

fn spent_link() -> AppError {
    AppError::Unauthorized {
        detail: "this sign-in link is unknown, already used, or older than 15 minutes; make a new one with \
                 `gimlet-server sign-in-link`"
            .to_owned(),
    }
}

pub(crate) fn check_token_name(name: &str) -> Result<(), AppError> {
    if name.trim().is_empty()
        || name.len() > LONGEST_TOKEN_NAME
        || name.chars().any(char::is_control)
    {
        let rule = format!("must be 1 to {LONGEST_TOKEN_NAME} bytes of printable text");
        return Err(AppError::invalid("name", rule));
    }
    Ok(())
}
