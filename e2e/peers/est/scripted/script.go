package main

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"time"
)

// healthCheck is the library's own path: the suite asks there whether the server answers, so that it does not count.
const healthCheck = "/healthcheck"

// scriptFile is replaced by renaming, so a reader sees the old or the new one.
type scriptFile string

type script struct {
	Username            string             `json:"username"`
	Password            string             `json:"password"`
	Deferrals           int                `json:"deferrals"`
	RetryAfterSeconds   int                `json:"retry_after_seconds"`
	CSRAttributes       []byte             `json:"csr_attributes"`
	ChannelBinding      bool               `json:"channel_binding"`
	ValiditySeconds     float64            `json:"validity_seconds"`
	Failures            map[string]failure `json:"failures"`
	RefuseRenewals      bool               `json:"refuse_renewals"`
	ClientCertificates  string             `json:"client_certificates"`
	ExtraCACertificates string             `json:"extra_ca_certificates"`
	AnswerDelaySeconds  float64            `json:"answer_delay_seconds"`
}

// failure implements est.Error: what one name gets instead of a certificate.
type failure struct {
	Status            int    `json:"status"`
	Text              string `json:"text"`
	RetryAfterSeconds int    `json:"retry_after_seconds"`
}

func (f failure) StatusCode() int { return f.Status }
func (f failure) Error() string   { return f.Text }
func (f failure) RetryAfter() int { return f.RetryAfterSeconds }

func (s scriptFile) read() (script, error) {
	content, err := os.ReadFile(string(s))
	if err != nil {
		return script{}, err
	}
	var told script
	return told, json.Unmarshal(content, &told)
}

// checkBasicAuth lets in whom the TLS handshake has authenticated; everyone else needs the password, if there is one.
func (s scriptFile) checkBasicAuth(_ context.Context, r *http.Request, _, username, password string) error {
	told, err := s.read()
	if err != nil {
		return err
	}
	open := told.Username == "" || r.URL.Path == healthCheck || len(r.TLS.VerifiedChains) > 0
	if open || equal(username, told.Username) && equal(password, told.Password) {
		return nil
	}
	return errors.New("neither the password nor a client certificate")
}

func equal(given, wanted string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}

func (s scriptFile) handshake(endpoint *tls.Config) (*tls.Config, error) {
	told, err := s.read()
	if err != nil {
		return nil, err
	}
	endpoint.GetConfigForClient = nil
	switch told.ClientCertificates {
	case "Verified":
		endpoint.ClientAuth = tls.VerifyClientCertIfGiven
	case "Refused":
		endpoint.ClientAuth = tls.RequestClientCert
		endpoint.VerifyConnection = refuseClientCertificate
	case "Ignored":
		endpoint.ClientAuth = tls.NoClientCert
	default:
		return nil, errors.New("the script says nothing about client certificates")
	}
	return endpoint, nil
}

// refuseClientCertificate is called for resumed sessions too, unlike VerifyPeerCertificate.
func refuseClientCertificate(connection tls.ConnectionState) error {
	if len(connection.PeerCertificates) > 0 {
		return errors.New("no client certificate is accepted here")
	}
	return nil
}

func seconds(amount float64) time.Duration {
	return time.Duration(amount * float64(time.Second))
}
