package certwright.cmp;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Map;

/** What the server does; {@code e2e.peers.cmp.Script} says what each of them means. */
@JsonNaming(SnakeCaseStrategy.class)
record Script(
        Map<String, String> secrets,
        boolean oneTimeSecrets,
        List<String> macs,
        Answers answers,
        Errors errors,
        boolean implicitConfirm,
        int polls,
        int checkAfter,
        boolean centralKeys,
        boolean caPubs,
        long validitySeconds,
        Map<String, Failure> failures,
        boolean refuseKeyUpdates,
        long answerDelayMilliseconds,
        byte[] requestTemplate,
        Rollover rollover) {

    /** Protection of answers to requests with a MAC. */
    enum Answers {
        SAME,
        SIGNED
    }

    /** Protection of refusals. */
    enum Errors {
        SAME,
        SIGNED,
        UNPROTECTED
    }

    /** A refusal: as the status of the certificate asked for, or as an error message. */
    @JsonNaming(SnakeCaseStrategy.class)
    record Failure(String failInfo, String text, boolean asError) {}

    /** PEM of what a root that changes leads to. */
    @JsonNaming(SnakeCaseStrategy.class)
    record Rollover(String newWithNew, String newWithOld, String oldWithNew) {}
}
