package certwright.cmp;

import com.siemens.pki.cmpracomponent.main.CmpRaComponent.CmpRaInterface;
import com.siemens.pki.cmpracomponent.main.CmpRaComponent.UpstreamExchange;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.cmp.CMPObjectIdentifiers;
import org.bouncycastle.asn1.cmp.GenMsgContent;
import org.bouncycastle.asn1.cmp.InfoTypeAndValue;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIHeader;
import org.bouncycastle.asn1.cmp.PKIHeaderBuilder;
import org.bouncycastle.asn1.cmp.PKIMessage;
import org.bouncycastle.asn1.x509.GeneralName;

/** The certification authority that the component asks, with answers that may take a while. */
final class Upstream implements UpstreamExchange {

    private static final int NONCE = 16;

    /** A request without an answer, and how many polls shall find it so. */
    private record Waiting(PKIMessage request, int polls) {}

    private final Authority authority;
    private final Issuance issuance;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, Waiting> waiting = new ConcurrentHashMap<>();

    Upstream(Authority authority, Issuance issuance) {
        this.authority = authority;
        this.issuance = issuance;
    }

    @Override
    public byte[] sendReceiveMessage(byte[] encoded, String profile, int firstType) throws Exception {
        PKIMessage request = PKIMessage.getInstance(encoded);
        Turn turn = Turn.current();
        if (turn.script().polls() > 0 && canWait(request.getBody().getType())) {
            waiting.put(turn.transaction(), new Waiting(request, turn.script().polls()));
            return null;
        }
        return answer(turn, request).getEncoded();
    }

    /** Called before the component gets a pollReq: hands it the answer if it is time. */
    void deliver(Turn turn, CmpRaInterface component) throws Exception {
        Waiting found = waiting.remove(turn.transaction());
        if (found == null) {
            return;
        }
        if (found.polls() > 0 && turn.script().polls() > 0) {
            waiting.put(turn.transaction(), new Waiting(found.request(), found.polls() - 1));
        } else {
            component.gotResponseAtUpstream(answer(turn, found.request()).getEncoded());
        }
    }

    private static boolean canWait(int type) {
        return Bodies.isForCertificate(type) || type == PKIBody.TYPE_REVOCATION_REQ || type == PKIBody.TYPE_GEN_MSG;
    }

    private PKIMessage answer(Turn turn, PKIMessage request) throws Exception {
        PKIBody body;
        try {
            body = body(turn, request.getBody());
        } catch (Refusal refusal) {
            body = Bodies.refusal(request.getBody().getType(), BigInteger.ZERO, refusal);
        }
        return new PKIMessage(header(request.getHeader(), turn), body);
    }

    private PKIBody body(Turn turn, PKIBody request) throws Exception {
        int type = request.getType();
        return switch (type) {
            case PKIBody.TYPE_INIT_REQ,
                    PKIBody.TYPE_CERT_REQ,
                    PKIBody.TYPE_KEY_UPDATE_REQ,
                    PKIBody.TYPE_P10_CERT_REQ ->
                Bodies.certificate(
                        Bodies.answerTo(type),
                        BigInteger.ZERO,
                        issuance.issue(turn, request),
                        null,
                        issuance.caPubs(turn));
            case PKIBody.TYPE_REVOCATION_REQ -> issuance.revoke(turn, request);
            case PKIBody.TYPE_CERT_CONFIRM -> Bodies.confirmation();
            case PKIBody.TYPE_GEN_MSG ->
                Bodies.general(new InfoTypeAndValue(
                        GenMsgContent.getInstance(request.getContent()).toInfoTypeAndValueArray()[0].getInfoType()));
            default -> throw new Refusal(FailInfo.badRequest, "not supported: " + Bodies.name(type), true);
        };
    }

    private PKIHeader header(PKIHeader asked, Turn turn) {
        PKIHeaderBuilder header = new PKIHeaderBuilder(
                asked.getPvno().intValueExact(), new GeneralName(authority.name()), asked.getSender());
        byte[] nonce = new byte[NONCE];
        random.nextBytes(nonce);
        header.setMessageTime(new ASN1GeneralizedTime(new Date()));
        header.setTransactionID(asked.getTransactionID());
        header.setRecipNonce(asked.getSenderNonce());
        header.setSenderNonce(new DEROctetString(nonce));
        if (isConfirmedImplicitly(asked, turn)) {
            header.setGeneralInfo(new InfoTypeAndValue(CMPObjectIdentifiers.it_implicitConfirm, DERNull.INSTANCE));
        }
        return header.build();
    }

    /** Looked up in the request: a pollReq does not ask for it again. */
    private static boolean isConfirmedImplicitly(PKIHeader asked, Turn turn) {
        InfoTypeAndValue[] infos = asked.getGeneralInfo();
        boolean isWanted = false;
        for (InfoTypeAndValue info : infos == null ? new InfoTypeAndValue[0] : infos) {
            isWanted |= CMPObjectIdentifiers.it_implicitConfirm.equals(info.getInfoType());
        }
        return isWanted && turn.script().implicitConfirm();
    }
}
