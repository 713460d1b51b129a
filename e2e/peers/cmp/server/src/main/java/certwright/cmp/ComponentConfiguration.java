package certwright.cmp;

import com.siemens.pki.cmpracomponent.configuration.CheckAndModifyResult;
import com.siemens.pki.cmpracomponent.configuration.CkgContext;
import com.siemens.pki.cmpracomponent.configuration.CmpMessageInterface;
import com.siemens.pki.cmpracomponent.configuration.Configuration;
import com.siemens.pki.cmpracomponent.configuration.InventoryInterface;
import com.siemens.pki.cmpracomponent.configuration.SupportMessageHandlerInterface;
import com.siemens.pki.cmpracomponent.configuration.VerificationContext;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import org.bouncycastle.asn1.crmf.CertTemplate;

/** What the component asks for; the {@link Turn} tells what it does not say. */
final class ComponentConfiguration implements Configuration {

    private static final int TRANSACTION_SECONDS = 3600;

    private final Authority authority;
    private final GeneralMessages generalMessages;
    private final DownstreamInterface downstream;

    ComponentConfiguration(Authority authority) {
        this.authority = authority;
        generalMessages = new GeneralMessages(authority);
        downstream = new DownstreamInterface(authority);
    }

    @Override
    public CkgContext getCkgConfiguration(String profile, int bodyType) {
        return new CentralKeyContext(authority);
    }

    @Override
    public CmpMessageInterface getDownstreamConfiguration(String profile, int bodyType) {
        return downstream.forBody(bodyType);
    }

    @Override
    public int getDownstreamTimeout(String profile, int bodyType) {
        return TRANSACTION_SECONDS;
    }

    @Override
    public VerificationContext getEnrollmentTrust(String profile, int bodyType) {
        return new VerificationContext() {
            @Override
            public Collection<X509Certificate> getTrustedCertificates() {
                return List.of(authority.credentials.root());
            }

            @Override
            public Collection<X509Certificate> getAdditionalCerts() {
                return List.of(authority.credentials.issuing().certificate());
            }
        };
    }

    /** It checked the proof itself; and of keys that it makes, it can prove the possession of old kinds only. */
    @Override
    public boolean getForceRaVerifyOnUpstream(String profile, int bodyType) {
        return true;
    }

    @Override
    public InventoryInterface getInventory(String profile, int bodyType) {
        return new Inventory();
    }

    @Override
    public int getRetryAfterTimeInSeconds(String profile, int bodyType) {
        return Turn.current().script().checkAfter();
    }

    @Override
    public SupportMessageHandlerInterface getSupportMessageHandler(String profile, String infoType) {
        return generalMessages.handler(infoType);
    }

    @Override
    public CmpMessageInterface getUpstreamConfiguration(String profile, int bodyType) {
        return PlainInterface.UPSTREAM;
    }

    @Override
    public boolean isRaVerifiedAcceptable(String profile, int bodyType) {
        return Turn.current().isFromRegistrationAuthority();
    }

    /** Asked before anything is issued; without a CkgContext the component would refuse after that. */
    private static final class Inventory implements InventoryInterface {

        @Override
        public CheckAndModifyResult checkAndModifyCertRequest(
                byte[] transaction, String requester, byte[] template, String subject, byte[] message) {
            boolean isCentral = CentralKeys.isWanted(CertTemplate.getInstance(template));
            boolean isGranted = !isCentral || Turn.current().script().centralKeys();
            return new CheckAndModifyResult() {
                @Override
                public byte[] getUpdatedCertTemplate() {
                    return null;
                }

                @Override
                public boolean isGranted() {
                    return isGranted;
                }
            };
        }
    }
}
