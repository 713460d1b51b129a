package certwright.cmp;

import java.math.BigInteger;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Enumerated;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.cmp.CMPCertificate;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIStatus;
import org.bouncycastle.asn1.cmp.PKIStatusInfo;
import org.bouncycastle.asn1.cmp.RevDetails;
import org.bouncycastle.asn1.cmp.RevReqContent;
import org.bouncycastle.asn1.crmf.AttributeTypeAndValue;
import org.bouncycastle.asn1.crmf.CRMFObjectIdentifiers;
import org.bouncycastle.asn1.crmf.CertId;
import org.bouncycastle.asn1.crmf.CertReqMessages;
import org.bouncycastle.asn1.crmf.CertReqMsg;
import org.bouncycastle.asn1.crmf.CertTemplate;
import org.bouncycastle.asn1.crmf.Controls;
import org.bouncycastle.asn1.pkcs.CertificationRequest;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/** What the authority decides, for both endpoints: proof of possession and protection were checked before. */
final class Issuance {

    private final Authority authority;

    Issuance(Authority authority) {
        this.authority = authority;
    }

    /** The certificate that an ir, cr, kur or p10cr asks for. */
    X509CertificateHolder issue(Turn turn, PKIBody request) throws Exception {
        Authority.Asked asked = request.getType() == PKIBody.TYPE_P10_CERT_REQ
                ? asked(new PKCS10CertificationRequest(CertificationRequest.getInstance(request.getContent())))
                : asked(firstRequest(request).getCertReq().getCertTemplate());
        requireNoFailure(turn, asked);
        if (turn.bodyType() == PKIBody.TYPE_KEY_UPDATE_REQ) {
            requireUpdateAllowed(turn, firstRequest(turn.message().getBody()));
        }
        return authority.issue(turn, asked);
    }

    static CertReqMsg firstRequest(PKIBody body) {
        return CertReqMessages.getInstance(body.getContent()).toCertReqMsgArray()[0];
    }

    List<CMPCertificate> caPubs(Turn turn) {
        return turn.script().caPubs() ? List.of(asCMP(authority.credentials.root())) : List.of();
    }

    static CMPCertificate asCMP(X509Certificate certificate) {
        try {
            return CMPCertificate.getInstance(certificate.getEncoded());
        } catch (CertificateEncodingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    PKIBody revoke(Turn turn, PKIBody request) throws Refusal {
        RevDetails details = RevReqContent.getInstance(request.getContent()).toRevDetailsArray()[0];
        CertTemplate template = details.getCertDetails();
        BigInteger serial = template.getSerialNumber().getValue();
        if (authority.issued(serial) == null || !authority.name().equals(template.getIssuer())) {
            throw new Refusal(FailInfo.badCertId, "no such certificate was issued here");
        }
        requireMayRevoke(turn, serial);
        int reason = reason(details);
        boolean isTakenBack = reason == 8;
        if (authority.isRevoked(serial) != isTakenBack) {
            throw new Refusal(FailInfo.certRevoked, "the certificate is in that state already");
        }
        authority.revoke(serial, reason);
        CertId certificate = new CertId(new GeneralName(authority.name()), new ASN1Integer(serial));
        return Bodies.revocation(new PKIStatusInfo(PKIStatus.granted), certificate);
    }

    private static void requireMayRevoke(Turn turn, BigInteger serial) throws Refusal {
        if (turn.isFromRegistrationAuthority()) {
            return;
        }
        if (turn.signer() == null || !turn.signer().getSerialNumber().equals(serial)) {
            throw new Refusal(FailInfo.notAuthorized, "a certificate is revoked by its own signature or by an RA's");
        }
    }

    private static int reason(RevDetails details) {
        Extensions extensions = details.getCrlEntryDetails();
        Extension reason = extensions == null ? null : extensions.getExtension(Extension.reasonCode);
        return reason == null ? 0 : ASN1Enumerated.getInstance(reason.getParsedValue()).intValueExact();
    }

    private static Authority.Asked asked(CertTemplate template) {
        Time end = template.getValidity() == null ? null : template.getValidity().getNotAfter();
        return new Authority.Asked(template.getSubject(), template.getPublicKey(), template.getExtensions(), end);
    }

    private static Authority.Asked asked(PKCS10CertificationRequest request) {
        return new Authority.Asked(
                request.getSubject(), request.getSubjectPublicKeyInfo(), request.getRequestedExtensions(), null);
    }

    private static void requireNoFailure(Turn turn, Authority.Asked asked) throws Refusal {
        for (String name : names(asked)) {
            Script.Failure failure = turn.script().failures().get(name);
            if (failure != null) {
                throw new Refusal(FailInfo.valueOf(failure.failInfo()), failure.text(), failure.asError());
            }
        }
    }

    private static Set<String> names(Authority.Asked asked) {
        Set<String> names = new HashSet<>();
        for (RDN one : asked.subject().getRDNs(BCStyle.CN)) {
            names.add(one.getFirst().getValue().toString());
        }
        ASN1Encodable alternatives = asked.extensions() == null
                ? null
                : asked.extensions().getExtensionParsedValue(Extension.subjectAlternativeName);
        if (alternatives != null) {
            for (GeneralName one : GeneralNames.getInstance(alternatives).getNames()) {
                names.add(one.getName().toString());
            }
        }
        return names;
    }

    /** The component does not look at who signs a key update: RFC 9483 section 4.1.3 has the old certificate do it. */
    private static void requireUpdateAllowed(Turn turn, CertReqMsg request) throws Refusal {
        if (turn.script().refuseKeyUpdates()) {
            throw new Refusal(FailInfo.notAuthorized, "keys are not updated here");
        }
        CertId old = oldCertificate(request.getCertReq().getControls());
        if (old == null || turn.isFromRegistrationAuthority()) {
            return;
        }
        if (turn.signer() == null || !turn.signer().getSerialNumber().equals(old.getSerialNumber().getValue())) {
            throw new Refusal(FailInfo.badCertId, "oldCertID is not the certificate that signed");
        }
    }

    private static CertId oldCertificate(Controls controls) {
        AttributeTypeAndValue[] all =
                controls == null ? new AttributeTypeAndValue[0] : controls.toAttributeTypeAndValueArray();
        for (AttributeTypeAndValue control : all) {
            if (CRMFObjectIdentifiers.id_regCtrl_oldCertID.equals(control.getType())) {
                return CertId.getInstance(control.getValue());
            }
        }
        return null;
    }
}
