package certwright.cmp;

import java.io.IOException;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.asn1.cmp.CertReqTemplateContent;
import org.bouncycastle.asn1.crmf.AttributeTypeAndValue;
import org.bouncycastle.asn1.crmf.CertTemplateBuilder;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/** What clients are told to ask for (RFC 9483 section 4.3.3). */
final class RequestTemplate {

    private static final int RSA_BITS = 3072;

    private RequestTemplate() {}

    /** The script's; without one, an organisation, server certificates, and P-256 or RSA keys. Null: there is none. */
    static byte[] of(Script script) {
        if (script.requestTemplate() != null) {
            return script.requestTemplate().length == 0 ? null : script.requestTemplate();
        }
        try {
            return fixed();
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static byte[] fixed() throws IOException {
        ExtendedKeyUsage usage = new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth);
        CertTemplateBuilder template = new CertTemplateBuilder()
                .setSubject(new X500Name("O=certwright,CN="))
                .setExtensions(new Extensions(Extension.create(Extension.extendedKeyUsage, false, usage)));
        AlgorithmIdentifier curve =
                new AlgorithmIdentifier(X9ObjectIdentifiers.id_ecPublicKey, SECObjectIdentifiers.secp256r1);
        ASN1Encodable[] keys = {
            new AttributeTypeAndValue(CMPObjectIdentifiers.id_regCtrl_algId, curve),
            new AttributeTypeAndValue(CMPObjectIdentifiers.id_regCtrl_rsaKeyLen, new ASN1Integer(RSA_BITS)),
        };
        return new CertReqTemplateContent(template.build(), new DERSequence(keys)).getEncoded();
    }
}
