package certwright.cmp;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Issues and revokes, remembers it for as long as the program runs, and logs it before anybody is told. */
final class Authority {

    private static final int SERIAL_BITS = 127;
    private static final int SKEW_MINUTES = 5;

    /** What a certificate is asked to say; {@code notAfter} may be null. */
    record Asked(X500Name subject, SubjectPublicKeyInfo key, Extensions extensions, Time notAfter) {}

    private final SecureRandom random = new SecureRandom();
    private final Map<BigInteger, X509CertificateHolder> issued = new ConcurrentHashMap<>();
    private final Map<BigInteger, Integer> revoked = new ConcurrentHashMap<>();
    private final Map<String, BigInteger> serialByTransaction = new ConcurrentHashMap<>();
    private final Map<String, String> transactionByReference = new ConcurrentHashMap<>();

    final Credentials.Set credentials;

    Authority(Credentials.Set credentials) {
        this.credentials = credentials;
    }

    X500Name name() {
        return X500Name.getInstance(
                credentials.issuing().certificate().getSubjectX500Principal().getEncoded());
    }

    X509CertificateHolder issue(Turn turn, Asked asked)
            throws GeneralSecurityException, IOException, OperatorCreationException {
        Instant now = Instant.now();
        Date end = Date.from(now.plusSeconds(turn.script().validitySeconds()));
        if (asked.notAfter() != null && asked.notAfter().getDate().before(end)) {
            end = asked.notAfter().getDate();
        }
        BigInteger serial = new BigInteger(SERIAL_BITS, random).setBit(SERIAL_BITS - 1);
        Date begin = Date.from(now.minus(SKEW_MINUTES, ChronoUnit.MINUTES));
        X509v3CertificateBuilder builder =
                new X509v3CertificateBuilder(name(), serial, begin, end, asked.subject(), asked.key());
        addExtensions(builder, asked);
        X509CertificateHolder certificate = builder.build(signer(credentials.issuing().key()));
        remember(turn, certificate);
        return certificate;
    }

    private void addExtensions(X509v3CertificateBuilder builder, Asked asked)
            throws GeneralSecurityException, IOException {
        JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
        builder.addExtension(Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(asked.key()));
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                extensions.createAuthorityKeyIdentifier(credentials.issuing().certificate()));
        if (asked.extensions() != null) {
            for (ASN1ObjectIdentifier type : asked.extensions().getExtensionOIDs()) {
                if (!builder.hasExtension(type)) {
                    Extension extension = asked.extensions().getExtension(type);
                    builder.addExtension(type, isCritical(extension, asked.subject()), extension.getParsedValue());
                }
            }
        }
        if (!builder.hasExtension(Extension.keyUsage)) {
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        }
        if (!builder.hasExtension(Extension.extendedKeyUsage)) {
            KeyPurposeId[] purposes = {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth};
            builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
        }
    }

    /** RFC 5280 section 4.1.2.6: without a subject the names are critical, and the component insists on it. */
    private static boolean isCritical(Extension extension, X500Name subject) {
        boolean isName = Extension.subjectAlternativeName.equals(extension.getExtnId());
        return extension.isCritical() || isName && subject.getRDNs().length == 0;
    }

    private void remember(Turn turn, X509CertificateHolder certificate) {
        BigInteger serial = certificate.getSerialNumber();
        issued.put(serial, certificate);
        serialByTransaction.put(turn.transaction(), serial);
        if (turn.isMACProtected()) {
            transactionByReference.put(turn.reference(), turn.transaction());
        }
        Log.line("issued certificate serial " + serial.toString(16));
    }

    /** The secret that the request claims to know; null if there is none, or if it served another certificate. */
    byte[] secret(Turn turn) {
        byte[] secret = turn.secret();
        if (secret == null || !turn.script().oneTimeSecrets()) {
            return secret;
        }
        String spentBy = transactionByReference.get(turn.reference());
        return spentBy == null || spentBy.equals(turn.transaction()) ? secret : null;
    }

    void confirm(String transaction, boolean isAccepted) {
        BigInteger serial = serialByTransaction.get(transaction);
        if (serial != null) {
            Log.line((isAccepted ? "confirmed" : "rejected") + " certificate serial " + serial.toString(16));
        }
    }

    X509CertificateHolder issued(BigInteger serial) {
        return issued.get(serial);
    }

    X509CertificateHolder issuedIn(String transaction) {
        BigInteger serial = serialByTransaction.get(transaction);
        return serial == null ? null : issued.get(serial);
    }

    boolean isRevoked(BigInteger serial) {
        return revoked.containsKey(serial);
    }

    /** Reason 8 takes a revocation back. */
    void revoke(BigInteger serial, int reason) {
        if (reason == 8) {
            revoked.remove(serial);
            Log.line("reinstated certificate serial " + serial.toString(16));
        } else {
            revoked.put(serial, reason);
            Log.line("revoked certificate serial " + serial.toString(16) + " reason " + reason);
        }
    }

    X509CRL revocationList() throws GeneralSecurityException, OperatorCreationException {
        Instant now = Instant.now();
        X509v2CRLBuilder builder = new X509v2CRLBuilder(name(), Date.from(now));
        builder.setNextUpdate(Date.from(now.plus(1, ChronoUnit.DAYS)));
        revoked.forEach((serial, reason) -> builder.addCRLEntry(serial, Date.from(now), reason));
        return new JcaX509CRLConverter()
                .setProvider("BC")
                .getCRL(builder.build(signer(credentials.issuing().key())));
    }

    /** Whether the certificate may sign messages: it has not been revoked here. */
    boolean isGood(X509Certificate certificate) {
        boolean isOurs = certificate
                .getIssuerX500Principal()
                .equals(credentials.issuing().certificate().getSubjectX500Principal());
        return !(isOurs && isRevoked(certificate.getSerialNumber()));
    }

    static ContentSigner signer(PrivateKey key) throws OperatorCreationException {
        String algorithm = "RSA".equals(key.getAlgorithm()) ? "SHA256withRSA" : "SHA256withECDSA";
        return new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key);
    }
}
