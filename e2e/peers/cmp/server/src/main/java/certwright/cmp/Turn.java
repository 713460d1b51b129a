package certwright.cmp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.asn1.cmp.CMPCertificate;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.asn1.cmp.InfoTypeAndValue;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIMessage;
import org.bouncycastle.asn1.cmp.PKIMessages;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;

/**
 * One request while it is answered, and by what it claims to be protected.
 *
 * <p>The component asks its configuration for credentials without saying for whom. A request is answered by one thread,
 * so the configuration finds it here.
 */
record Turn(Script script, PKIMessage message, PKIMessage outer) {

    private static final ThreadLocal<Turn> CURRENT = new ThreadLocal<>();

    /** How a message is protected; the names are those of the log. */
    enum Protection {
        NONE("none"),
        PBM("PBM"),
        PBMAC1("PBMAC1"),
        SIGNATURE("signature");

        final String label;

        Protection(String label) {
            this.label = label;
        }
    }

    static Turn current() {
        return CURRENT.get();
    }

    /** The message inside of a nested one is what is answered. */
    static Turn begin(Script script, byte[] request) {
        PKIMessage outer = PKIMessage.getInstance(request);
        PKIMessage inner = outer;
        if (outer.getBody().getType() == PKIBody.TYPE_NESTED) {
            inner = PKIMessages.getInstance(outer.getBody().getContent()).toPKIMessageArray()[0];
        }
        Turn turn = new Turn(script, inner, outer);
        CURRENT.set(turn);
        return turn;
    }

    static void end() {
        CURRENT.remove();
    }

    boolean isNested() {
        return outer != message;
    }

    int bodyType() {
        return message.getBody().getType();
    }

    String transaction() {
        ASN1OctetString identifier = message.getHeader().getTransactionID();
        return identifier == null ? "-" : HexFormat.of().formatHex(identifier.getOctets());
    }

    Protection protection() {
        AlgorithmIdentifier algorithm = message.getHeader().getProtectionAlg();
        if (algorithm == null || message.getProtection() == null) {
            return Protection.NONE;
        }
        if (CMPObjectIdentifiers.passwordBasedMac.equals(algorithm.getAlgorithm())) {
            return Protection.PBM;
        }
        return PKCSObjectIdentifiers.id_PBMAC1.equals(algorithm.getAlgorithm())
                ? Protection.PBMAC1
                : Protection.SIGNATURE;
    }

    boolean isMACProtected() {
        return protection() == Protection.PBM || protection() == Protection.PBMAC1;
    }

    /** The senderKID, or the common name of the sender (RFC 9483 section 3.1 has both); null where there is none. */
    String reference() {
        ASN1OctetString kid = message.getHeader().getSenderKID();
        if (kid != null) {
            return new String(kid.getOctets(), StandardCharsets.UTF_8);
        }
        GeneralName sender = message.getHeader().getSender();
        if (sender == null || sender.getTagNo() != GeneralName.directoryName) {
            return null;
        }
        RDN[] names = X500Name.getInstance(sender.getName()).getRDNs(BCStyle.CN);
        return names.length == 0 ? null : names[0].getFirst().getValue().toString();
    }

    /** The secret of the reference, if its MAC is one that is accepted; else null. */
    byte[] secret() {
        String reference = reference();
        if (reference == null || !isMACProtected() || !script.macs().contains(protection().label)) {
            return null;
        }
        String secret = script.secrets().get(reference);
        return secret == null ? null : secret.getBytes(StandardCharsets.UTF_8);
    }

    /** The certificate that claims to have signed the message; null without a signature. */
    X509Certificate signer() {
        return protection() == Protection.SIGNATURE ? firstCertificate(message) : null;
    }

    /** The certificate that claims to have signed the message around it; null without one. */
    X509Certificate nestingSigner() {
        return isNested() ? firstCertificate(outer) : null;
    }

    /** Whether a registration authority vouches for it, by signing the message itself or one around it. */
    boolean isFromRegistrationAuthority() {
        return isRegistrationAuthority(isNested() ? nestingSigner() : signer());
    }

    static boolean isRegistrationAuthority(X509Certificate certificate) {
        try {
            List<String> usages = certificate == null ? null : certificate.getExtendedKeyUsage();
            return usages != null && usages.contains(KeyPurposeId.id_kp_cmcRA.getId());
        } catch (CertificateException malformed) {
            return false;
        }
    }

    boolean wantsImplicitConfirm() {
        return info(CMPObjectIdentifiers.it_implicitConfirm.getId()) != null;
    }

    String profile() {
        InfoTypeAndValue info = info(CMPObjectIdentifiers.id_it_certProfile.getId());
        if (info == null || info.getInfoValue() == null) {
            return null;
        }
        ASN1Sequence names = ASN1Sequence.getInstance(info.getInfoValue());
        return names.size() == 0 ? null : ASN1UTF8String.getInstance(names.getObjectAt(0)).getString();
    }

    private InfoTypeAndValue info(String type) {
        InfoTypeAndValue[] infos = message.getHeader().getGeneralInfo();
        for (InfoTypeAndValue info : infos == null ? new InfoTypeAndValue[0] : infos) {
            if (info.getInfoType().getId().equals(type)) {
                return info;
            }
        }
        return null;
    }

    private static X509Certificate firstCertificate(PKIMessage message) {
        CMPCertificate[] certificates = message.getExtraCerts();
        if (certificates == null || certificates.length == 0) {
            return null;
        }
        try {
            X509CertificateHolder first = new X509CertificateHolder(certificates[0].getEncoded());
            return new JcaX509CertificateConverter().setProvider("BC").getCertificate(first);
        } catch (IOException | CertificateException malformed) {
            return null;
        }
    }
}
