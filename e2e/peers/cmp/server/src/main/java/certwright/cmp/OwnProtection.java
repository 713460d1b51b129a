package certwright.cmp;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.asn1.cmp.InfoTypeAndValue;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIHeader;
import org.bouncycastle.asn1.cmp.PKIMessage;
import org.bouncycastle.asn1.crmf.CertReqMsg;
import org.bouncycastle.asn1.crmf.ProofOfPossession;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.cmp.GeneralPKIMessage;
import org.bouncycastle.cert.cmp.ProtectedPKIMessage;
import org.bouncycastle.cert.cmp.ProtectedPKIMessageBuilder;
import org.bouncycastle.cert.crmf.CertificateRequestMessage;
import org.bouncycastle.cert.crmf.PKMACBuilder;
import org.bouncycastle.cert.crmf.jcajce.JcePKMACValuesCalculator;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.GenericKey;
import org.bouncycastle.operator.MacCalculator;
import org.bouncycastle.operator.PBEMacCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.jcajce.JcePBMac1CalculatorProviderBuilder;

/** MACs and signatures of our endpoint, and the proof of possession. */
final class OwnProtection {

    private static final int NONCE = 16;

    private final SecureRandom random = new SecureRandom();
    private final Authority authority;
    private final SignerTrust trust;

    OwnProtection(Authority authority) {
        this.authority = authority;
        trust = new SignerTrust(authority);
    }

    void require(Turn turn) throws Exception {
        if (turn.protection() == Turn.Protection.NONE) {
            throw new Refusal(FailInfo.notAuthorized, "the message is not protected", true);
        }
        if (turn.isNested() && !Turn.isRegistrationAuthority(turn.nestingSigner())) {
            throw new Refusal(FailInfo.notAuthorized, "only a registration authority nests", true);
        }
        if (turn.isNested() && !fitsSigner(turn.outer(), turn.nestingSigner())) {
            throw new Refusal(FailInfo.badMessageCheck, "the signature does not fit the nesting message", true);
        }
        if (!(turn.isMACProtected() ? fitsSecret(turn) : fitsSigner(turn.message(), turn.signer()))) {
            throw new Refusal(FailInfo.badMessageCheck, "the protection does not fit the message", true);
        }
    }

    private boolean fitsSecret(Turn turn) throws Exception {
        ProtectedPKIMessage message = new ProtectedPKIMessage(new GeneralPKIMessage(turn.message()));
        byte[] secret = authority.secret(turn);
        return secret != null && message.verify(macs(turn.protection()), characters(secret));
    }

    private boolean fitsSigner(PKIMessage signed, X509Certificate signer) throws Exception {
        ProtectedPKIMessage message = new ProtectedPKIMessage(new GeneralPKIMessage(signed));
        if (signer == null || !message.verify(verifier(new JcaX509CertificateHolder(signer)))) {
            return false;
        }
        List<X509Certificate> others = new ArrayList<>();
        for (X509CertificateHolder one : message.getCertificates()) {
            others.add(new JcaX509CertificateConverter().setProvider("BC").getCertificate(one));
        }
        trust.require(signer, others);
        return true;
    }

    /** Of an RA, raVerified is enough. */
    static void requireProof(Turn turn, CertReqMsg request) throws Exception {
        ProofOfPossession proof = request.getPop();
        if (proof != null && proof.getType() == ProofOfPossession.TYPE_RA_VERIFIED) {
            if (!turn.isFromRegistrationAuthority()) {
                throw new Refusal(FailInfo.badPOP, "raVerified is for registration authorities");
            }
            return;
        }
        CertificateRequestMessage message = new CertificateRequestMessage(request);
        boolean isSigned = proof != null && proof.getType() == ProofOfPossession.TYPE_SIGNING_KEY;
        if (!isSigned || !message.isValidSigningKeyPOP(verifier(request))) {
            throw new Refusal(FailInfo.badPOP, "the proof of possession does not fit the key");
        }
    }

    private static ContentVerifierProvider verifier(CertReqMsg request) throws Exception {
        return new JcaContentVerifierProviderBuilder()
                .setProvider("BC")
                .build(request.getCertReq().getCertTemplate().getPublicKey());
    }

    private static ContentVerifierProvider verifier(X509CertificateHolder signer) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider("BC").build(signer);
    }

    /** An answer is protected like its request, as long as that was good. */
    PKIMessage protect(Turn turn, PKIBody body, boolean isConfirmedImplicitly) throws Exception {
        boolean isSigned = turn.script().answers() == Script.Answers.SIGNED
                || body.getType() == PKIBody.TYPE_ERROR && turn.script().errors() == Script.Errors.SIGNED;
        byte[] secret = isSigned ? null : authority.secret(turn);
        ProtectedPKIMessageBuilder builder = header(turn).setBody(body);
        if (isConfirmedImplicitly) {
            builder.addGeneralInfo(new InfoTypeAndValue(CMPObjectIdentifiers.it_implicitConfirm, DERNull.INSTANCE));
        }
        if (secret != null) {
            builder.setSenderKID(turn.reference().getBytes(StandardCharsets.UTF_8));
            addCertificates(builder, authority.credentials.issuing());
            return builder.build(calculator(turn, secret)).toASN1Structure();
        }
        addCertificates(builder, authority.credentials.signer());
        return builder.build(Authority.signer(authority.credentials.signer().key())).toASN1Structure();
    }

    private ProtectedPKIMessageBuilder header(Turn turn) throws GeneralSecurityException {
        PKIHeader asked = turn.message().getHeader();
        GeneralName sender = new GeneralName(
                new JcaX509CertificateHolder(authority.credentials.signer().certificate()).getSubject());
        ProtectedPKIMessageBuilder header =
                new ProtectedPKIMessageBuilder(asked.getPvno().intValueExact(), sender, asked.getSender());
        byte[] nonce = new byte[NONCE];
        random.nextBytes(nonce);
        header.setMessageTime(new Date())
                .setSenderNonce(nonce)
                .setTransactionID(asked.getTransactionID().getOctets())
                .setRecipNonce(asked.getSenderNonce().getOctets());
        return header;
    }

    private static void addCertificates(ProtectedPKIMessageBuilder builder, Credentials credentials)
            throws GeneralSecurityException {
        for (X509Certificate certificate : credentials.chain()) {
            builder.addCMPCertificate(new JcaX509CertificateHolder(certificate));
        }
    }

    private static PBEMacCalculatorProvider macs(Turn.Protection kind) {
        return kind == Turn.Protection.PBM
                ? new PKMACBuilder(new JcePKMACValuesCalculator().setProvider("BC"))
                : new JcePBMac1CalculatorProviderBuilder().setProvider("BC").build();
    }

    /** With the salt and iterations of the request. BouncyCastle misnames PBKDF2 where it describes a PBMAC1. */
    private static MacCalculator calculator(Turn turn, byte[] secret) throws Exception {
        AlgorithmIdentifier described = turn.message().getHeader().getProtectionAlg();
        MacCalculator calculator = macs(turn.protection()).get(described, characters(secret));
        return new MacCalculator() {
            @Override
            public AlgorithmIdentifier getAlgorithmIdentifier() {
                return described;
            }

            @Override
            public OutputStream getOutputStream() {
                return calculator.getOutputStream();
            }

            @Override
            public byte[] getMac() {
                return calculator.getMac();
            }

            @Override
            public GenericKey getKey() {
                return calculator.getKey();
            }
        };
    }

    private static char[] characters(byte[] secret) {
        return new String(secret, StandardCharsets.UTF_8).toCharArray();
    }
}
