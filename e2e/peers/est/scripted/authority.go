package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/globalsign/est"
)

var (
	oidSubjectKeyID   = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidAuthorityKeyID = asn1.ObjectIdentifier{2, 5, 29, 35}
	notCopied         = []asn1.ObjectIdentifier{oidSubjectKeyID, oidAuthorityKeyID}
)

// authority implements est.CA. Labels make no difference to it.
type authority struct {
	chain  []*x509.Certificate
	key    crypto.PrivateKey
	script scriptFile

	mutex    sync.Mutex
	deferred map[[32]byte]int
}

func (a *authority) CACerts(context.Context, string, *http.Request) ([]*x509.Certificate, error) {
	told, err := a.script.read()
	if err != nil {
		return nil, err
	}
	extra, err := parseCertificates([]byte(told.ExtraCACertificates))
	return append(slices.Clone(a.chain), extra...), err
}

func (a *authority) CSRAttrs(context.Context, string, *http.Request) (est.CSRAttrs, error) {
	var attributes est.CSRAttrs
	told, err := a.script.read()
	if err == nil && len(told.CSRAttributes) > 0 {
		err = attributes.Unmarshal(told.CSRAttributes)
	}
	return attributes, err
}

func (a *authority) Enroll(ctx context.Context, csr *x509.CertificateRequest, _ string, r *http.Request) (*x509.Certificate, error) {
	return a.answer(ctx, csr, csr.PublicKey, r)
}

func (a *authority) Reenroll(ctx context.Context, _ *x509.Certificate, csr *x509.CertificateRequest, _ string, r *http.Request) (*x509.Certificate, error) {
	told, err := a.script.read()
	if err != nil {
		return nil, err
	}
	if told.RefuseRenewals {
		return nil, failure{Status: http.StatusForbidden, Text: "certificates are not renewed here"}
	}
	return a.answer(ctx, csr, csr.PublicKey, r)
}

func (a *authority) ServerKeyGen(ctx context.Context, csr *x509.CertificateRequest, _ string, r *http.Request) (*x509.Certificate, []byte, error) {
	key, err := keyLike(csr.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := a.answer(ctx, csr, key.Public(), r)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	return certificate, encoded, err
}

func (a *authority) TPMEnroll(context.Context, *x509.CertificateRequest, []*x509.Certificate, []byte, []byte, string, *http.Request) ([]byte, []byte, []byte, error) {
	return nil, nil, nil, failure{Status: http.StatusNotImplemented, Text: "not implemented"}
}

func (a *authority) answer(ctx context.Context, csr *x509.CertificateRequest, public crypto.PublicKey, r *http.Request) (*x509.Certificate, error) {
	told, err := a.script.read()
	if err != nil {
		return nil, err
	}
	if refusal, found := told.refusal(csr); found {
		return nil, refusal
	}
	if told.ChannelBinding {
		if err := checkChannelBinding(csr, r.TLS); err != nil {
			return nil, failure{Status: http.StatusForbidden, Text: err.Error()}
		}
	}
	digest := sha256.Sum256(csr.Raw)
	if a.mustWait(digest, told.Deferrals) {
		log.Printf("deferred request %x", digest)
		return nil, failure{Status: http.StatusAccepted, Text: "a person decides about it", RetryAfterSeconds: told.RetryAfterSeconds}
	}
	certificate, err := a.issue(csr, public, seconds(told.ValiditySeconds))
	if err != nil {
		return nil, err
	}
	log.Printf("issued certificate serial %x for request %x", certificate.SerialNumber, digest)
	pause(ctx, seconds(told.AnswerDelaySeconds))
	return certificate, nil
}

// refusal looks at the names too, because a request need not have a common name.
func (s script) refusal(csr *x509.CertificateRequest) (failure, bool) {
	for _, name := range append([]string{csr.Subject.CommonName}, csr.DNSNames...) {
		if refusal, found := s.Failures[name]; found {
			return refusal, true
		}
	}
	return failure{}, false
}

// mustWait says whether this very request has still to wait, and remembers that it was told so.
func (a *authority) mustWait(request [32]byte, times int) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.deferred[request]++
	return a.deferred[request] <= times
}

// issue copies the subject and all extensions from the request but for the key identifiers, which are the CA's affair.
func (a *authority) issue(csr *x509.CertificateRequest, public crypto.PublicKey, validity time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	identifier := sha256.Sum256(encoded)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now,
		NotAfter:              now.Add(validity),
		RawSubject:            csr.RawSubject,
		SubjectKeyId:          identifier[:20],
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, extension := range csr.Extensions {
		if !slices.ContainsFunc(notCopied, extension.Id.Equal) {
			template.ExtraExtensions = append(template.ExtraExtensions, extension)
		}
	}
	content, err := x509.CreateCertificate(rand.Reader, template, a.chain[0], public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(content)
}

func keyLike(public crypto.PublicKey) (crypto.Signer, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return rsa.GenerateKey(rand.Reader, key.N.BitLen())
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(key.Curve, rand.Reader)
	default:
		return nil, failure{Status: http.StatusBadRequest, Text: fmt.Sprintf("no keys like %T are made here", public)}
	}
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}
