package certwright.cmp;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/** A private key with its certificate, and the issuers of that behind it. */
record Credentials(PrivateKey key, List<X509Certificate> chain) {

    /** All that the server is given. {@code clientRoots} are trusted for signatures beside the server's own root. */
    record Set(
            Credentials issuing,
            Credentials signer,
            Credentials keyGenerator,
            X509Certificate root,
            List<X509Certificate> clientRoots) {}

    static Set readAll(Path directory) throws IOException, GeneralSecurityException {
        return new Set(
                read(directory, "issuing"),
                read(directory, "signer"),
                read(directory, "kga"),
                readCertificates(directory.resolve("root.crt")).get(0),
                readCertificates(directory.resolve("clients.crt")));
    }

    X509Certificate certificate() {
        return chain.get(0);
    }

    private static Credentials read(Path directory, String name) throws IOException, GeneralSecurityException {
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(directory.resolve(name + ".key")))) {
            PrivateKey key = new JcaPEMKeyConverter()
                    .setProvider("BC")
                    .getPrivateKey(PrivateKeyInfo.getInstance(parser.readObject()));
            return new Credentials(key, readCertificates(directory.resolve(name + ".crt")));
        }
    }

    static List<X509Certificate> readCertificates(Path file) throws IOException, GeneralSecurityException {
        try (Reader reader = Files.newBufferedReader(file)) {
            return readCertificates(reader);
        }
    }

    static List<X509Certificate> readCertificates(Reader pem) throws IOException, GeneralSecurityException {
        List<X509Certificate> found = new ArrayList<>();
        JcaX509CertificateConverter converter = new JcaX509CertificateConverter().setProvider("BC");
        PEMParser parser = new PEMParser(pem);
        for (Object next = parser.readObject(); next != null; next = parser.readObject()) {
            found.add(converter.getCertificate((X509CertificateHolder) next));
        }
        return found;
    }
}
