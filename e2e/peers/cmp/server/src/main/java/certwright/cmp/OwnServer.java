package certwright.cmp;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.asn1.cmp.CMPCertificate;
import org.bouncycastle.asn1.cmp.CertConfirmContent;
import org.bouncycastle.asn1.cmp.CertOrEncCert;
import org.bouncycastle.asn1.cmp.CertStatus;
import org.bouncycastle.asn1.cmp.CertifiedKeyPair;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIHeader;
import org.bouncycastle.asn1.cmp.PKIStatus;
import org.bouncycastle.asn1.cmp.PKIStatusInfo;
import org.bouncycastle.asn1.crmf.CertReqMsg;
import org.bouncycastle.asn1.crmf.CertTemplate;
import org.bouncycastle.asn1.crmf.EncryptedKey;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.operator.DefaultDigestAlgorithmIdentifierFinder;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.bc.BcDigestCalculatorProvider;

/**
 * What the component does not carry, out of BouncyCastle's structures: certReqId -1 for a PKCS#10 request, polling for
 * it, error messages of clients, centrally made keys as RFC 9483 section 4.1.6 has them, and their recovery.
 */
final class OwnServer implements Server {

    private static final BigInteger NO_REQUEST = BigInteger.ONE.negate();

    /** A request without an answer, and how many polls shall find it so. */
    private record Waiting(Turn turn, int polls) {}

    private final Authority authority;
    private final Issuance issuance;
    private final OwnProtection protection;
    private final CentralKeys keys;
    private final Map<String, Waiting> waiting = new ConcurrentHashMap<>();
    private final Set<String> confirmedImplicitly = ConcurrentHashMap.newKeySet();

    OwnServer(Authority authority, Issuance issuance) {
        this.authority = authority;
        this.issuance = issuance;
        protection = new OwnProtection(authority);
        keys = new CentralKeys(authority);
    }

    @Override
    public byte[] answer(byte[] request) throws Exception {
        Turn turn = Turn.current();
        PKIBody body;
        try {
            protection.require(turn);
            body = turn.bodyType() == PKIBody.TYPE_POLL_REQ ? poll(turn) : begin(turn);
        } catch (Refusal refusal) {
            body = Bodies.refusal(turn.bodyType(), id(turn), refusal);
        }
        boolean isConfirmed = Bodies.isCertificate(body.getType())
                && confirmedImplicitly.contains(turn.transaction())
                && turn.script().implicitConfirm();
        return protection.protect(turn, body, isConfirmed).getEncoded();
    }

    private PKIBody begin(Turn turn) throws Exception {
        if (turn.wantsImplicitConfirm()) {
            confirmedImplicitly.add(turn.transaction());
        }
        boolean canWait = turn.bodyType() != PKIBody.TYPE_CERT_CONFIRM && turn.bodyType() != PKIBody.TYPE_ERROR;
        if (canWait && turn.script().polls() > 0) {
            waiting.put(turn.transaction(), new Waiting(turn, turn.script().polls()));
            return Bodies.waiting(turn.bodyType(), id(turn));
        }
        return body(turn);
    }

    private PKIBody poll(Turn turn) throws Exception {
        Waiting found = waiting.remove(turn.transaction());
        if (found == null) {
            throw new Refusal(FailInfo.badRequest, "nobody waits in this transaction", true);
        }
        if (found.polls() > 0 && turn.script().polls() > 0) {
            waiting.put(turn.transaction(), new Waiting(found.turn(), found.polls() - 1));
            return Bodies.pollRep(id(found.turn()), turn.script().checkAfter());
        }
        try {
            return body(found.turn());
        } catch (Refusal refusal) {
            return Bodies.refusal(found.turn().bodyType(), id(found.turn()), refusal);
        }
    }

    private PKIBody body(Turn turn) throws Exception {
        PKIBody request = turn.message().getBody();
        return switch (request.getType()) {
            case PKIBody.TYPE_INIT_REQ, PKIBody.TYPE_CERT_REQ, PKIBody.TYPE_KEY_UPDATE_REQ -> certify(turn, request);
            case PKIBody.TYPE_P10_CERT_REQ -> granted(turn, issuance.issue(turn, request), null);
            case PKIBody.TYPE_CERT_CONFIRM -> confirm(turn, request);
            case PKIBody.TYPE_REVOCATION_REQ -> issuance.revoke(turn, request);
            case PKIBody.TYPE_KEY_RECOVERY_REQ -> recover(turn, request);
            case PKIBody.TYPE_ERROR -> Bodies.confirmation();
            default -> throw new Refusal(FailInfo.badRequest, "not supported: " + Bodies.name(request.getType()), true);
        };
    }

    private PKIBody certify(Turn turn, PKIBody request) throws Exception {
        CertReqMsg message = Issuance.firstRequest(request);
        if (!CentralKeys.isWanted(message.getCertReq().getCertTemplate())) {
            OwnProtection.requireProof(turn, message);
            return granted(turn, issuance.issue(turn, request), null);
        }
        if (!turn.script().centralKeys()) {
            throw new Refusal(FailInfo.badCertTemplate, "keys are not made here");
        }
        if (turn.message().getHeader().getPvno().intValueExact() < PKIHeader.CMP_2021) {
            throw new Refusal(FailInfo.unsupportedVersion, "keys are sent in version 3 of CMP only");
        }
        CentralKeys.Made made = keys.make(message.getCertReq());
        X509CertificateHolder issued = issuance.issue(turn, made.request());
        keys.archive(issued, made.privateKey());
        return granted(turn, issued, keys.encrypt(turn, made.privateKey()));
    }

    private PKIBody granted(Turn turn, X509CertificateHolder issued, EncryptedKey key) {
        return Bodies.certificate(
                Bodies.answerTo(turn.bodyType()), id(turn), issued, key, issuance.caPubs(turn));
    }

    private PKIBody recover(Turn turn, PKIBody request) throws Exception {
        CertTemplate template = Issuance.firstRequest(request).getCertReq().getCertTemplate();
        CentralKeys.Archived found =
                template.getSerialNumber() == null ? null : keys.archived(template.getSerialNumber().getValue());
        if (found == null) {
            throw new Refusal(FailInfo.badCertId, "there is no such key in the archive");
        }
        CertOrEncCert certificate = new CertOrEncCert(new CMPCertificate(found.certificate().toASN1Structure()));
        CertifiedKeyPair pair = new CertifiedKeyPair(certificate, keys.encrypt(turn, found.privateKey()), null);
        Log.line("recovered key of serial " + found.certificate().getSerialNumber().toString(16));
        CMPCertificate issuing = Issuance.asCMP(authority.credentials.issuing().certificate());
        return Bodies.recovery(new PKIStatusInfo(PKIStatus.granted), issuing, pair);
    }

    private PKIBody confirm(Turn turn, PKIBody request) throws Exception {
        X509CertificateHolder issued = authority.issuedIn(turn.transaction());
        if (issued == null) {
            throw new Refusal(FailInfo.badCertId, "nothing was issued in this transaction");
        }
        CertStatus[] statuses = CertConfirmContent.getInstance(request.getContent()).toCertStatusArray();
        if (statuses.length == 1) {
            requireHash(statuses[0], issued);
        }
        return Bodies.confirmation();
    }

    private static void requireHash(CertStatus status, X509CertificateHolder issued) throws Exception {
        AlgorithmIdentifier hash = status.getHashAlg() != null
                ? status.getHashAlg()
                : new DefaultDigestAlgorithmIdentifierFinder().find(issued.getSignatureAlgorithm());
        DigestCalculator calculator = new BcDigestCalculatorProvider().get(hash);
        calculator.getOutputStream().write(issued.getEncoded());
        if (!Arrays.equals(calculator.getDigest(), status.getCertHash().getOctets())) {
            throw new Refusal(FailInfo.badCertId, "certHash is not the hash of the certificate");
        }
    }

    /** A request that has no certReqId is spoken of as -1 (RFC 9483 sections 4.1.4 and 4.4). */
    private static BigInteger id(Turn turn) {
        int type = turn.bodyType();
        boolean hasOne = Bodies.isForCertificate(type) && type != PKIBody.TYPE_P10_CERT_REQ;
        return hasOne ? BigInteger.ZERO : NO_REQUEST;
    }
}
