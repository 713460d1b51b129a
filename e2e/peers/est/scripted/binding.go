package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
)

var oidChallengePassword = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}

// checkChannelBinding wants the request to hold the tls-unique value of the connection on which it came (RFC 7030
// section 3.5).
func checkChannelBinding(csr *x509.CertificateRequest, connection *tls.ConnectionState) error {
	if len(connection.TLSUnique) == 0 {
		return errors.New("this connection has no tls-unique value")
	}
	found, err := challengePassword(csr)
	if err != nil {
		return err
	}
	if found != base64.StdEncoding.EncodeToString(connection.TLSUnique) {
		return errors.New("the challengePassword is not the tls-unique value of this connection")
	}
	return nil
}

// challengePassword is parsed here because crypto/x509 drops attributes whose values are bare strings.
func challengePassword(csr *x509.CertificateRequest) (string, error) {
	var info struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes []asn1.RawValue `asn1:"tag:0"`
	}
	if _, err := asn1.Unmarshal(csr.RawTBSCertificateRequest, &info); err != nil {
		return "", err
	}
	for _, raw := range info.Attributes {
		var attribute struct {
			Type   asn1.ObjectIdentifier
			Values []asn1.RawValue `asn1:"set"`
		}
		if _, err := asn1.Unmarshal(raw.FullBytes, &attribute); err != nil {
			return "", err
		}
		if attribute.Type.Equal(oidChallengePassword) && len(attribute.Values) == 1 {
			return string(attribute.Values[0].Bytes), nil
		}
	}
	return "", errors.New("the request has no challengePassword")
}
