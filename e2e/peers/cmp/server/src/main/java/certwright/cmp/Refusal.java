package certwright.cmp;

/** Why a request is not granted; an error message instead of a refused certificate if {@code asError}. */
final class Refusal extends Exception {

    private static final long serialVersionUID = 1L;

    final FailInfo failInfo;
    final boolean asError;

    Refusal(FailInfo failInfo, String text) {
        this(failInfo, text, false);
    }

    Refusal(FailInfo failInfo, String text, boolean asError) {
        super(text);
        this.failInfo = failInfo;
        this.asError = asError;
    }
}
