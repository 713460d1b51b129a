package certwright.cmp;

import com.siemens.pki.cmpracomponent.main.CmpRaComponent;
import com.siemens.pki.cmpracomponent.main.CmpRaComponent.CmpRaInterface;
import org.bouncycastle.asn1.cmp.PKIBody;

/** The RA component of RFC 9483, as it is. */
final class ComponentServer implements Server {

    private final Upstream upstream;
    private final CmpRaInterface component;

    ComponentServer(Authority authority, Issuance issuance) throws Exception {
        upstream = new Upstream(authority, issuance);
        component = CmpRaComponent.instantiateCmpRaComponent(new ComponentConfiguration(authority), upstream);
    }

    @Override
    public byte[] answer(byte[] request) throws Exception {
        Turn turn = Turn.current();
        if (turn.bodyType() == PKIBody.TYPE_POLL_REQ) {
            upstream.deliver(turn, component);
        }
        return component.processRequest(request);
    }
}
