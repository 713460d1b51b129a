package certwright.cmp;

import com.siemens.pki.cmpracomponent.configuration.CmpMessageInterface;
import com.siemens.pki.cmpracomponent.configuration.CredentialContext;
import com.siemens.pki.cmpracomponent.configuration.NestedEndpointContext;
import com.siemens.pki.cmpracomponent.configuration.SharedSecretCredentialContext;
import com.siemens.pki.cmpracomponent.configuration.SignatureCredentialContext;
import com.siemens.pki.cmpracomponent.configuration.VerificationContext;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bouncycastle.asn1.cmp.PKIBody;

/** The side of the component that clients see: whom it believes, and how it protects its answers. */
final class DownstreamInterface {

    private static final int HMAC_SHA256_OCTETS = 32;
    // As many as EJBCA answers with: the salt is a new one each time, and the bench is to measure the client.
    private static final int ITERATIONS = 1024;

    private final Authority authority;

    DownstreamInterface(Authority authority) {
        this.authority = authority;
    }

    CmpMessageInterface forBody(int type) {
        return new PlainInterface() {
            @Override
            public VerificationContext getInputVerification() {
                return new Verification(false);
            }

            @Override
            public CredentialContext getOutputCredentials() {
                return output(type);
            }

            @Override
            public ReprotectMode getReprotectMode() {
                return ReprotectMode.reprotect;
            }

            @Override
            public NestedEndpointContext getNestedEndpointContext() {
                // For the type of an answer it would say that answers are to be nested.
                return type == PKIBody.TYPE_NESTED ? new Nested() : null;
            }
        };
    }

    /** A request with a good MAC gets one of its kind, everything else a signature. */
    private CredentialContext output(int type) {
        Turn turn = Turn.current();
        boolean isSigned = turn.script().answers() == Script.Answers.SIGNED
                || type == PKIBody.TYPE_ERROR && turn.script().errors() == Script.Errors.SIGNED;
        byte[] secret = isSigned ? null : authority.secret(turn);
        return secret == null ? new Signing(authority.credentials.signer()) : new SharedSecret(turn, secret);
    }

    private final class Verification implements VerificationContext {

        private final boolean isForRegistrationAuthorities;

        Verification(boolean isForRegistrationAuthorities) {
            this.isForRegistrationAuthorities = isForRegistrationAuthorities;
        }

        @Override
        public byte[] getSharedSecret(byte[] senderKID) {
            return isForRegistrationAuthorities ? null : authority.secret(Turn.current());
        }

        @Override
        public Collection<X509Certificate> getTrustedCertificates() {
            List<X509Certificate> roots = new ArrayList<>(authority.credentials.clientRoots());
            roots.add(authority.credentials.root());
            return roots;
        }

        @Override
        public Collection<X509Certificate> getAdditionalCerts() {
            return List.of(authority.credentials.issuing().certificate());
        }

        @Override
        public boolean isLeafCertAcceptable(X509Certificate certificate) {
            return authority.isGood(certificate)
                    && (!isForRegistrationAuthorities || Turn.isRegistrationAuthority(certificate));
        }
    }

    private final class Nested implements NestedEndpointContext {

        @Override
        public VerificationContext getInputVerification() {
            return new Verification(true);
        }

        @Override
        public CredentialContext getOutputCredentials() {
            return new Signing(authority.credentials.signer());
        }

        @Override
        public boolean isIncomingRecipientValid(String recipient) {
            return true;
        }
    }

    record Signing(Credentials credentials) implements SignatureCredentialContext {

        @Override
        public List<X509Certificate> getCertificateChain() {
            return credentials.chain();
        }

        @Override
        public PrivateKey getPrivateKey() {
            return credentials.key();
        }
    }

    record SharedSecret(Turn turn, byte[] secret) implements SharedSecretCredentialContext {

        @Override
        public byte[] getSharedSecret() {
            return secret;
        }

        @Override
        public String getPasswordBasedMacAlgorithm() {
            return turn.protection().label;
        }

        @Override
        public byte[] getSenderKID() {
            return turn.reference().getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public int getkeyLength() {
            return HMAC_SHA256_OCTETS;
        }

        @Override
        public int getIterationCount() {
            return ITERATIONS;
        }
    }
}
