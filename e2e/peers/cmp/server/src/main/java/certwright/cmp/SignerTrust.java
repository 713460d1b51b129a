package certwright.cmp;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Whose signatures our endpoint believes: the same as the component is told. */
final class SignerTrust {

    private final Authority authority;

    SignerTrust(Authority authority) {
        this.authority = authority;
    }

    void require(X509Certificate signer, List<X509Certificate> others) throws IOException, Refusal {
        if (!authority.isGood(signer)) {
            throw new Refusal(FailInfo.signerNotTrusted, "the signer's certificate is revoked", true);
        }
        try {
            CertPathBuilder.getInstance("PKIX").build(parameters(signer, others));
        } catch (GeneralSecurityException untrusted) {
            throw new Refusal(FailInfo.signerNotTrusted, "no path leads to the signer", true);
        }
    }

    private PKIXBuilderParameters parameters(X509Certificate signer, List<X509Certificate> others)
            throws GeneralSecurityException {
        Set<TrustAnchor> anchors = new HashSet<>();
        anchors.add(new TrustAnchor(authority.credentials.root(), null));
        authority.credentials.clientRoots().forEach(root -> anchors.add(new TrustAnchor(root, null)));
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(signer);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, target);
        List<X509Certificate> known = new ArrayList<>(others);
        known.add(signer);
        known.add(authority.credentials.issuing().certificate());
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(known)));
        parameters.setRevocationEnabled(false);
        return parameters;
    }
}
