package certwright.cmp;

import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cms.EnvelopedData;
import org.bouncycastle.asn1.crmf.AttributeTypeAndValue;
import org.bouncycastle.asn1.crmf.CertReqMessages;
import org.bouncycastle.asn1.crmf.CertReqMsg;
import org.bouncycastle.asn1.crmf.CertRequest;
import org.bouncycastle.asn1.crmf.CertTemplate;
import org.bouncycastle.asn1.crmf.CertTemplateBuilder;
import org.bouncycastle.asn1.crmf.EncryptedKey;
import org.bouncycastle.asn1.crmf.ProofOfPossession;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.PasswordRecipient;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JcePasswordRecipientInfoGenerator;
import org.bouncycastle.jcajce.interfaces.MLDSAPrivateKey;

/** Keys that the authority makes for clients, encrypted as RFC 9483 section 4.1.6 has it, and their archive. */
final class CentralKeys {

    private static final ASN1ObjectIdentifier KEY_PACKAGE = new ASN1ObjectIdentifier("2.16.840.1.101.2.1.2.78.5");
    private static final int RSA_BITS = 2048;
    private static final int ITERATIONS = 10_000;
    private static final int SALT = 16;

    /** A request that has a key now, and the private one. */
    record Made(PKIBody request, PrivateKeyInfo privateKey) {}

    record Archived(X509CertificateHolder certificate, PrivateKeyInfo privateKey) {}

    private final Map<BigInteger, Archived> archive = new ConcurrentHashMap<>();
    private final SecureRandom random = new SecureRandom();
    private final Authority authority;

    CentralKeys(Authority authority) {
        this.authority = authority;
    }

    /** No public key, or the algorithm of one and no bits. */
    static boolean isWanted(CertTemplate template) {
        SubjectPublicKeyInfo key = template.getPublicKey();
        return key == null || key.getPublicKeyData().getBytes().length == 0;
    }

    Made make(CertRequest request) throws Exception {
        CertTemplate template = request.getCertTemplate();
        KeyPair pair = generator(request).generateKeyPair();
        CertTemplate complete = new CertTemplateBuilder()
                .setSubject(template.getSubject())
                .setExtensions(template.getExtensions())
                .setPublicKey(SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()))
                .build();
        CertRequest asked = new CertRequest(request.getCertReqId(), complete, request.getControls());
        CertReqMsg message = new CertReqMsg(asked, new ProofOfPossession(), null);
        return new Made(
                new PKIBody(PKIBody.TYPE_CERT_REQ, new CertReqMessages(message)),
                encoded(pair.getPrivate()));
    }

    private static KeyPairGenerator generator(CertRequest request) throws Exception {
        SubjectPublicKeyInfo wanted = request.getCertTemplate().getPublicKey();
        ASN1ObjectIdentifier algorithm =
                wanted == null ? X9ObjectIdentifiers.id_ecPublicKey : wanted.getAlgorithm().getAlgorithm();
        if (X9ObjectIdentifiers.id_ecPublicKey.equals(algorithm)) {
            ASN1Encodable curve =
                    wanted == null ? SECObjectIdentifiers.secp256r1 : wanted.getAlgorithm().getParameters();
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
            generator.initialize(new ECGenParameterSpec(curve.toString()));
            return generator;
        }
        if (PKCSObjectIdentifiers.rsaEncryption.equals(algorithm)) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(rsaBits(request));
            return generator;
        }
        if (EdECObjectIdentifiers.id_Ed25519.equals(algorithm)) {
            return KeyPairGenerator.getInstance("Ed25519", "BC");
        }
        return KeyPairGenerator.getInstance(algorithm.getId(), "BC");
    }

    /** Of an ML-DSA key the seed alone, which everybody reads: BouncyCastle would put the expanded key beside it. */
    private static PrivateKeyInfo encoded(PrivateKey key) {
        PrivateKey plain = key instanceof MLDSAPrivateKey expanded ? expanded.getPrivateKey(true) : key;
        return PrivateKeyInfo.getInstance(plain.getEncoded());
    }

    private static int rsaBits(CertRequest request) {
        if (request.getControls() != null) {
            for (AttributeTypeAndValue control : request.getControls().toAttributeTypeAndValueArray()) {
                if (CMPObjectIdentifiers.id_regCtrl_rsaKeyLen.equals(control.getType())) {
                    return ASN1Integer.getInstance(control.getValue()).intValueExact();
                }
            }
        }
        return RSA_BITS;
    }

    void archive(X509CertificateHolder certificate, PrivateKeyInfo privateKey) {
        archive.put(certificate.getSerialNumber(), new Archived(certificate, privateKey));
    }

    /** Null where there is none. */
    Archived archived(BigInteger serial) {
        return archive.get(serial);
    }

    /** For whoever protected the request: the holder of its secret, or of its signer's key. */
    EncryptedKey encrypt(Turn turn, PrivateKeyInfo privateKey) throws Exception {
        byte[] signed = sign(new DERSequence(privateKey).getEncoded());
        CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
        generator.addRecipientInfoGenerator(recipient(turn));
        CMSEnvelopedData enveloped = generator.generate(
                new CMSProcessableByteArray(PKCSObjectIdentifiers.signedData, signed),
                new JceCMSContentEncryptorBuilder(CMSAlgorithm.AES256_CBC).setProvider("BC").build());
        return new EncryptedKey(EnvelopedData.getInstance(enveloped.toASN1Structure().getContent()));
    }

    private byte[] sign(byte[] keyPackage) throws Exception {
        Credentials signer = authority.credentials.keyGenerator();
        String algorithm = "RSA".equals(signer.key().getAlgorithm()) ? "SHA256withRSA" : "SHA256withECDSA";
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder()
                .setProvider("BC")
                .build(algorithm, signer.key(), signer.certificate()));
        generator.addCertificates(new JcaCertStore(signer.chain()));
        return generator.generate(new CMSProcessableByteArray(KEY_PACKAGE, keyPackage), true)
                .toASN1Structure()
                .getContent()
                .toASN1Primitive()
                .getEncoded("DER");
    }

    private RecipientInfoGenerator recipient(Turn turn) throws Exception {
        if (turn.isMACProtected()) {
            return new JcePasswordRecipientInfoGenerator(
                            CMSAlgorithm.AES256_CBC, new String(authority.secret(turn)).toCharArray())
                    .setProvider("BC")
                    .setPasswordConversionScheme(PasswordRecipient.PKCS5_SCHEME2_UTF8)
                    .setPRF(PasswordRecipient.PRF.HMacSHA256)
                    .setSaltAndIterationCount(salt(), ITERATIONS);
        }
        X509Certificate signer = turn.signer();
        PublicKey key = signer.getPublicKey();
        if (key instanceof ECPublicKey curve) {
            KeyPair ephemeral = CentralKeyContext.ephemeralFor(curve);
            return new JceKeyAgreeRecipientInfoGenerator(
                            CMSAlgorithm.ECDH_SHA256KDF,
                            ephemeral.getPrivate(),
                            ephemeral.getPublic(),
                            CMSAlgorithm.AES256_WRAP)
                    .addRecipient(signer)
                    .setProvider("BC");
        }
        return new JceKeyTransRecipientInfoGenerator(signer).setProvider("BC");
    }

    private byte[] salt() {
        byte[] salt = new byte[SALT];
        random.nextBytes(salt);
        return salt;
    }
}
