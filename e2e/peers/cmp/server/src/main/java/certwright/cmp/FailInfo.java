package certwright.cmp;

import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.cmp.PKIFailureInfo;

/** PKIFailureInfo of RFC 9810 section 5.2.3, in the order of its bits. */
enum FailInfo {
    badAlg,
    badMessageCheck,
    badRequest,
    badTime,
    badCertId,
    badDataFormat,
    wrongAuthority,
    incorrectData,
    missingTimeStamp,
    badPOP,
    certRevoked,
    certConfirmed,
    wrongIntegrity,
    badRecipientNonce,
    timeNotAvailable,
    unacceptedPolicy,
    unacceptedExtension,
    addInfoNotAvailable,
    badSenderNonce,
    badCertTemplate,
    signerNotTrusted,
    transactionIdInUse,
    unsupportedVersion,
    notAuthorized,
    systemUnavail,
    systemFailure,
    duplicateCertReq;

    PKIFailureInfo toASN1() {
        return new PKIFailureInfo(1 << (ordinal() / 8 * 8 + 7 - ordinal() % 8));
    }

    static List<String> names(ASN1BitString bits) {
        List<String> found = new ArrayList<>();
        byte[] octets = bits == null ? new byte[0] : bits.getBytes();
        for (FailInfo one : values()) {
            int octet = one.ordinal() / 8;
            if (octet < octets.length && (octets[octet] >> (7 - one.ordinal() % 8) & 1) == 1) {
                found.add(one.name());
            }
        }
        return found;
    }
}
