package certwright.cmp;

/** One of the two: the component, or ours. */
interface Server {

    /** Answers a PKIMessage (DER) while its {@link Turn} is the current one. */
    byte[] answer(byte[] request) throws Exception;
}
