package certwright.cmp;

import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.NoSuchProviderException;
import java.security.Provider;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.KeySpec;
import java.util.List;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.SecretKeyFactorySpi;
import javax.crypto.spec.PBEKeySpec;

/**
 * PBKDF2 for the RA component, which hands PBKDF2-params' keyLength over as if Java took octets (RFC 8018 A.2). Java
 * takes bits, and the key would be an eighth as long as the client's.
 *
 * <p>Only who asks for no particular provider meets this one: the component's PBMAC1.
 */
final class OctetKeyLengths extends Provider {

    private static final long serialVersionUID = 1L;
    private static final String JAVAS_OWN = "SunJCE";

    OctetKeyLengths() {
        super("OctetKeyLengths", "1", "PBKDF2 with key lengths in octets");
        for (String hash : List.of("1", "224", "256", "384", "512")) {
            putService(new Factory(this, "PBKDF2WithHmacSHA" + hash));
        }
    }

    private static final class Factory extends Service {

        Factory(Provider provider, String algorithm) {
            super(provider, "SecretKeyFactory", algorithm, Derivation.class.getName(), null, null);
        }

        @Override
        public Object newInstance(Object parameter) throws NoSuchAlgorithmException {
            try {
                return new Derivation(SecretKeyFactory.getInstance(getAlgorithm(), JAVAS_OWN));
            } catch (NoSuchProviderException absent) {
                throw new NoSuchAlgorithmException(absent);
            }
        }
    }

    private static final class Derivation extends SecretKeyFactorySpi {

        private final SecretKeyFactory bits;

        Derivation(SecretKeyFactory bits) {
            this.bits = bits;
        }

        @Override
        protected SecretKey engineGenerateSecret(KeySpec spec) throws InvalidKeySpecException {
            PBEKeySpec octets = (PBEKeySpec) spec;
            return bits.generateSecret(new PBEKeySpec(
                    octets.getPassword(), octets.getSalt(), octets.getIterationCount(), octets.getKeyLength() * 8));
        }

        @Override
        protected KeySpec engineGetKeySpec(SecretKey key, Class<?> kind) throws InvalidKeySpecException {
            return bits.getKeySpec(key, kind);
        }

        @Override
        protected SecretKey engineTranslateKey(SecretKey key) throws InvalidKeyException {
            return bits.translateKey(key);
        }
    }
}
