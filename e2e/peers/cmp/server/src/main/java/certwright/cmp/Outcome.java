package certwright.cmp;

import java.util.List;
import org.bouncycastle.asn1.cmp.CertRepMessage;
import org.bouncycastle.asn1.cmp.ErrorMsgContent;
import org.bouncycastle.asn1.cmp.KeyRecRepContent;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIMessage;
import org.bouncycastle.asn1.cmp.PKIStatusInfo;
import org.bouncycastle.asn1.cmp.RevRepContent;

/** What an answer says, for the log. */
record Outcome(String body, String status, List<String> failInfo) {

    private static final String[] STATUSES = {
        "accepted", "grantedWithMods", "rejection", "waiting", "revocationWarning", "revocationNotification",
        "keyUpdateWarning"
    };
    private static final String REJECTION = STATUSES[2];

    static Outcome of(PKIMessage answer) {
        PKIStatusInfo status = status(answer.getBody());
        String body = Bodies.name(answer.getBody().getType());
        if (status == null) {
            return new Outcome(body, null, List.of());
        }
        return new Outcome(body, STATUSES[status.getStatus().intValue()], FailInfo.names(status.getFailInfo()));
    }

    boolean isRefusal() {
        return REJECTION.equals(status);
    }

    private static PKIStatusInfo status(PKIBody body) {
        return switch (body.getType()) {
            case PKIBody.TYPE_INIT_REP, PKIBody.TYPE_CERT_REP, PKIBody.TYPE_KEY_UPDATE_REP ->
                CertRepMessage.getInstance(body.getContent()).getResponse()[0].getStatus();
            case PKIBody.TYPE_REVOCATION_REP -> RevRepContent.getInstance(body.getContent()).getStatus()[0];
            case PKIBody.TYPE_KEY_RECOVERY_REP -> KeyRecRepContent.getInstance(body.getContent()).getStatus();
            case PKIBody.TYPE_ERROR -> ErrorMsgContent.getInstance(body.getContent()).getPKIStatusInfo();
            default -> null;
        };
    }
}
