package certwright.cmp;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.util.Objects;
import org.bouncycastle.asn1.cmp.CertConfirmContent;
import org.bouncycastle.asn1.cmp.CertStatus;
import org.bouncycastle.asn1.cmp.PKIBody;
import org.bouncycastle.asn1.cmp.PKIHeader;
import org.bouncycastle.asn1.cmp.PKIHeaderBuilder;
import org.bouncycastle.asn1.cmp.PKIMessage;
import org.bouncycastle.asn1.cmp.PKIStatus;

/** HTTP as in RFC 9811, the log line of every request, and what a script does to answers. */
final class Endpoint implements HttpHandler {

    private static final String CONTENT_TYPE = "application/pkixcmp";

    private final String name;
    private final ScriptFile script;
    private final Authority authority;
    private final Server server;

    Endpoint(String name, ScriptFile script, Authority authority, Server server) {
        this.name = name;
        this.script = script;
        this.authority = authority;
        this.server = server;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        byte[] request = exchange.getRequestBody().readAllBytes();
        if (!"POST".equals(exchange.getRequestMethod())) {
            send(exchange, 405, new byte[0]);
        } else if (!CONTENT_TYPE.equals(exchange.getRequestHeaders().getFirst("Content-Type"))) {
            send(exchange, 415, new byte[0]);
        } else {
            answer(exchange, request);
        }
    }

    private void answer(HttpExchange exchange, byte[] request) throws IOException {
        try {
            Turn turn = Turn.begin(script.read(), request);
            byte[] answer = finish(turn, PKIMessage.getInstance(server.answer(request)));
            Thread.sleep(turn.script().answerDelayMilliseconds());
            exchange.getResponseHeaders().set("Content-Type", CONTENT_TYPE);
            send(exchange, 200, answer);
        } catch (Exception failure) {
            Log.line("failed " + failure);
            failure.printStackTrace();
            send(exchange, failure instanceof IllegalArgumentException ? 400 : 500, new byte[0]);
        } finally {
            Turn.end();
        }
    }

    private byte[] finish(Turn turn, PKIMessage answer) throws IOException {
        Outcome outcome = Outcome.of(answer);
        log(turn, outcome);
        if (turn.bodyType() == PKIBody.TYPE_CERT_CONFIRM && answer.getBody().getType() == PKIBody.TYPE_CONFIRM) {
            authority.confirm(turn.transaction(), isAccepted(turn.message()));
        }
        boolean isStripped = outcome.isRefusal() && turn.script().errors() == Script.Errors.UNPROTECTED;
        return (isStripped ? withoutProtection(answer) : answer).getEncoded();
    }

    private void log(Turn turn, Outcome outcome) {
        Log.line(String.join(
                " ",
                "answered",
                name,
                Bodies.name(turn.bodyType()),
                turn.protection().label,
                turn.isNested() ? "nested" : "-",
                Objects.requireNonNullElse(turn.profile(), "-"),
                outcome.body(),
                Objects.requireNonNullElse(outcome.status(), "-"),
                outcome.failInfo().isEmpty() ? "-" : String.join(",", outcome.failInfo())));
    }

    private static boolean isAccepted(PKIMessage message) {
        CertStatus[] statuses =
                CertConfirmContent.getInstance(message.getBody().getContent()).toCertStatusArray();
        return statuses.length == 1
                && (statuses[0].getStatusInfo() == null
                        || statuses[0].getStatusInfo().getStatus().intValue() != PKIStatus.REJECTION);
    }

    private static PKIMessage withoutProtection(PKIMessage message) {
        PKIHeader header = message.getHeader();
        PKIHeaderBuilder bare =
                new PKIHeaderBuilder(header.getPvno().intValueExact(), header.getSender(), header.getRecipient());
        bare.setMessageTime(header.getMessageTime());
        bare.setTransactionID(header.getTransactionID());
        bare.setSenderNonce(header.getSenderNonce());
        bare.setRecipNonce(header.getRecipNonce());
        return new PKIMessage(bare.build(), message.getBody());
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
