package certwright.cmp;

import com.siemens.pki.cmpracomponent.configuration.CmpMessageInterface;
import com.siemens.pki.cmpracomponent.configuration.CredentialContext;
import com.siemens.pki.cmpracomponent.configuration.NestedEndpointContext;
import com.siemens.pki.cmpracomponent.configuration.VerificationContext;

/** A side of the component without protection: the one to the authority behind it, as both are one program. */
class PlainInterface implements CmpMessageInterface {

    static final CmpMessageInterface UPSTREAM = new PlainInterface();
    private static final long SECONDS_OFF = 300;

    @Override
    public VerificationContext getInputVerification() {
        return null;
    }

    @Override
    public NestedEndpointContext getNestedEndpointContext() {
        return null;
    }

    @Override
    public CredentialContext getOutputCredentials() {
        return null;
    }

    @Override
    public ReprotectMode getReprotectMode() {
        return ReprotectMode.keep;
    }

    @Override
    public boolean getSuppressRedundantExtraCerts() {
        return false;
    }

    @Override
    public boolean isCacheExtraCerts() {
        return false;
    }

    @Override
    public boolean isMessageTimeDeviationAllowed(long seconds) {
        return Math.abs(seconds) <= SECONDS_OFF;
    }
}
