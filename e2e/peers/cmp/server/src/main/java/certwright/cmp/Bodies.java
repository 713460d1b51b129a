package certwright.cmp;

import java.math.BigInteger;
import java.util.List;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.cmp.CMPCertificate;
import org.bouncycastle.asn1.cmp.CertOrEncCert;
import org.bouncycastle.asn1.cmp.CertRepMessage;
import org.bouncycastle.asn1.cmp.CertResponse;
import org.bouncycastle.asn1.cmp.CertifiedKeyPair;
import org.bouncycastle.asn1.cmp.ErrorMsgContent;
import org.bouncycastle.asn1.cmp.GenRepContent;
import org.bouncycastle.asn1.cmp.InfoTypeAndValue;
import org.bouncycastle.asn1.cmp.KeyRecRepContent;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIConfirmContent;
import org.bouncycastle.asn1.cmp.PKIFreeText;
import org.bouncycastle.asn1.cmp.PKIStatus;
import org.bouncycastle.asn1.cmp.PKIStatusInfo;
import org.bouncycastle.asn1.cmp.PollRepContent;
import org.bouncycastle.asn1.cmp.RevRepContent;
import org.bouncycastle.asn1.cmp.RevRepContentBuilder;
import org.bouncycastle.asn1.crmf.CertId;
import org.bouncycastle.asn1.crmf.EncryptedKey;
import org.bouncycastle.cert.X509CertificateHolder;

/** The bodies that a server sends, and their names. */
final class Bodies {

    private static final String[] NAMES = {
        "ir", "ip", "cr", "cp", "p10cr", "popdecc", "popdecr", "kur", "kup", "krr", "krp", "rr", "rp", "ccr", "ccp",
        "ckuann", "cann", "rann", "crlann", "pkiConf", "nested", "genm", "genp", "error", "certConf", "pollReq",
        "pollRep"
    };

    private Bodies() {}

    static String name(int type) {
        return NAMES[type];
    }

    /** The type that answers a request for a certificate; that of an error message for any other. */
    static int answerTo(int type) {
        return switch (type) {
            case PKIBody.TYPE_INIT_REQ, PKIBody.TYPE_CERT_REQ, PKIBody.TYPE_KEY_UPDATE_REQ -> type + 1;
            case PKIBody.TYPE_P10_CERT_REQ -> PKIBody.TYPE_CERT_REP;
            default -> PKIBody.TYPE_ERROR;
        };
    }

    static boolean isForCertificate(int type) {
        return answerTo(type) != PKIBody.TYPE_ERROR;
    }

    static boolean isCertificate(int type) {
        return type == PKIBody.TYPE_INIT_REP || type == PKIBody.TYPE_CERT_REP || type == PKIBody.TYPE_KEY_UPDATE_REP;
    }

    static PKIBody certificate(
            int type, BigInteger id, X509CertificateHolder issued, EncryptedKey key, List<CMPCertificate> caPubs) {
        CertOrEncCert certificate = new CertOrEncCert(new CMPCertificate(issued.toASN1Structure()));
        CertifiedKeyPair pair = new CertifiedKeyPair(certificate, key, null);
        CertResponse response =
                new CertResponse(new ASN1Integer(id), new PKIStatusInfo(PKIStatus.granted), pair, null);
        CMPCertificate[] roots = caPubs.isEmpty() ? null : caPubs.toArray(new CMPCertificate[0]);
        return new PKIBody(type, new CertRepMessage(roots, new CertResponse[] {response}));
    }

    static PKIBody certificateStatus(int type, BigInteger id, PKIStatusInfo status) {
        CertResponse response = new CertResponse(new ASN1Integer(id), status);
        return new PKIBody(type, new CertRepMessage(null, new CertResponse[] {response}));
    }

    static PKIBody refusal(int requestType, BigInteger id, Refusal refusal) {
        PKIStatusInfo status = rejection(refusal);
        if (isForCertificate(requestType) && !refusal.asError) {
            return certificateStatus(answerTo(requestType), id, status);
        }
        return switch (requestType) {
            case PKIBody.TYPE_REVOCATION_REQ -> revocation(status, null);
            case PKIBody.TYPE_KEY_RECOVERY_REQ -> recovery(status, null, null);
            default -> new PKIBody(PKIBody.TYPE_ERROR, new ErrorMsgContent(status));
        };
    }

    static PKIStatusInfo rejection(Refusal refusal) {
        return new PKIStatusInfo(
                PKIStatus.rejection, new PKIFreeText(refusal.getMessage()), refusal.failInfo.toASN1());
    }

    static PKIBody waiting(int requestType, BigInteger id) {
        PKIStatusInfo status = new PKIStatusInfo(PKIStatus.waiting, new PKIFreeText("somebody has to approve this"));
        return isForCertificate(requestType)
                ? certificateStatus(answerTo(requestType), id, status)
                : new PKIBody(PKIBody.TYPE_ERROR, new ErrorMsgContent(status));
    }

    static PKIBody pollRep(BigInteger id, int seconds) {
        return new PKIBody(
                PKIBody.TYPE_POLL_REP, new PollRepContent(new ASN1Integer(id), new ASN1Integer(seconds)));
    }

    static PKIBody revocation(PKIStatusInfo status, CertId certificate) {
        RevRepContentBuilder builder = new RevRepContentBuilder();
        RevRepContent content =
                certificate == null ? builder.add(status).build() : builder.add(status, certificate).build();
        return new PKIBody(PKIBody.TYPE_REVOCATION_REP, content);
    }

    /** BouncyCastle reads KeyRecRepContent and makes none. */
    static PKIBody recovery(PKIStatusInfo status, CMPCertificate issuing, CertifiedKeyPair pair) {
        ASN1EncodableVector content = new ASN1EncodableVector();
        content.add(status);
        if (pair != null) {
            content.add(new DERTaggedObject(true, 1, new DERSequence(issuing)));
            content.add(new DERTaggedObject(true, 2, new DERSequence(pair)));
        }
        ASN1Sequence sequence = new DERSequence(content);
        return new PKIBody(PKIBody.TYPE_KEY_RECOVERY_REP, KeyRecRepContent.getInstance(sequence));
    }

    static PKIBody general(InfoTypeAndValue info) {
        return new PKIBody(PKIBody.TYPE_GEN_REP, new GenRepContent(info));
    }

    static PKIBody confirmation() {
        return new PKIBody(PKIBody.TYPE_CONFIRM, new PKIConfirmContent());
    }
}
