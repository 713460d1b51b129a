package certwright.cmp;

import com.siemens.pki.cmpracomponent.configuration.CrlUpdateRetrievalHandler;
import com.siemens.pki.cmpracomponent.configuration.GetCaCertificatesHandler;
import com.siemens.pki.cmpracomponent.configuration.GetCertificateRequestTemplateHandler;
import com.siemens.pki.cmpracomponent.configuration.GetRootCaCertificateUpdateHandler;
import com.siemens.pki.cmpracomponent.configuration.SupportMessageHandlerInterface;
import java.io.IOException;
import java.io.StringReader;
import java.security.GeneralSecurityException;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.List;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.operator.OperatorCreationException;

/** What a genm is answered with; anything else goes to the authority, which knows nothing of it. */
final class GeneralMessages {

    private final Authority authority;

    GeneralMessages(Authority authority) {
        this.authority = authority;
    }

    SupportMessageHandlerInterface handler(String infoType) {
        Script script = Turn.current().script();
        if (CMPObjectIdentifiers.id_it_caCerts.getId().equals(infoType)) {
            return (GetCaCertificatesHandler)
                    () -> List.of(authority.credentials.issuing().certificate(), authority.credentials.root());
        }
        if (CMPObjectIdentifiers.id_it_certReqTemplate.getId().equals(infoType)) {
            return (GetCertificateRequestTemplateHandler) () -> RequestTemplate.of(script);
        }
        if (CMPObjectIdentifiers.id_it_rootCaCert.getId().equals(infoType)) {
            return (GetRootCaCertificateUpdateHandler) root -> update(script.rollover());
        }
        if (CMPObjectIdentifiers.id_it_crlStatusList.getId().equals(infoType)) {
            return (CrlUpdateRetrievalHandler) (names, relativeName, issuers, thisUpdate) -> List.of(currentList());
        }
        return null;
    }

    private X509CRL currentList() {
        try {
            return authority.revocationList();
        } catch (GeneralSecurityException | OperatorCreationException failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static GetRootCaCertificateUpdateHandler.RootCaCertificateUpdateResponse update(Script.Rollover rollover) {
        return rollover == null
                ? null
                : new Update(
                        certificate(rollover.newWithNew()),
                        certificate(rollover.newWithOld()),
                        certificate(rollover.oldWithNew()));
    }

    private static X509Certificate certificate(String pem) {
        try {
            return Credentials.readCertificates(new StringReader(pem)).get(0);
        } catch (IOException | GeneralSecurityException malformed) {
            throw new IllegalStateException(malformed);
        }
    }

    private record Update(X509Certificate getNewWithNew, X509Certificate getNewWithOld, X509Certificate getOldWithNew)
            implements GetRootCaCertificateUpdateHandler.RootCaCertificateUpdateResponse {}
}
