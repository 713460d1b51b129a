package certwright.cmp;

import com.siemens.pki.cmpracomponent.configuration.CkgContext;
import com.siemens.pki.cmpracomponent.configuration.CkgKeyAgreementContext;
import com.siemens.pki.cmpracomponent.configuration.CkgKeyTransportContext;
import com.siemens.pki.cmpracomponent.configuration.CkgPasswordContext;
import com.siemens.pki.cmpracomponent.configuration.SharedSecretCredentialContext;
import com.siemens.pki.cmpracomponent.configuration.SignatureCredentialContext;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;

/** How the component sends the keys that it makes: encrypted for the protection of the request. */
final class CentralKeyContext implements CkgContext {

    private final Authority authority;

    CentralKeyContext(Authority authority) {
        this.authority = authority;
    }

    @Override
    public CkgKeyAgreementContext getKeyAgreementContext() {
        return new Agreement(ephemeralFor((ECPublicKey) Turn.current().signer().getPublicKey()));
    }

    @Override
    public CkgKeyTransportContext getKeyTransportContext() {
        return new CkgKeyTransportContext() {};
    }

    @Override
    public CkgPasswordContext getPasswordContext() {
        Turn turn = Turn.current();
        SharedSecretCredentialContext secret = new DownstreamInterface.SharedSecret(turn, authority.secret(turn));
        return () -> secret;
    }

    @Override
    public SignatureCredentialContext getSigningCredentials() {
        return new DownstreamInterface.Signing(authority.credentials.keyGenerator());
    }

    static KeyPair ephemeralFor(ECPublicKey recipient) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
            generator.initialize(recipient.getParams());
            return generator.generateKeyPair();
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private record Agreement(KeyPair own) implements CkgKeyAgreementContext {

        @Override
        public String getKeyAgreementAlg() {
            return "ECDH_SHA256KDF";
        }

        @Override
        public PrivateKey getOwnPrivateKey() {
            return own.getPrivate();
        }

        @Override
        public PublicKey getOwnPublicKey() {
            return own.getPublic();
        }
    }
}
