-- A firm in LedgerSMB: a login for remitd, two clients and their invoices. Through LedgerSMB's own functions where it has
-- them; invoices are posted by its Perl, so that here their rows are written: receivables against fees.

SELECT admin__save_user(NULL, (company__save('R-1', 3, 'remitd', NULL, NULL, NULL, 232, NULL, NULL)).entity_id,
                        :'login', 'not used', false);
SELECT admin__add_user_to_role(:'login', role) FROM unnest(ARRAY['receipt_process', 'gl_reports']) AS role;

CREATE FUNCTION pg_temp.client(number text, name text, class int, email text) RETURNS void LANGUAGE sql AS $$
  WITH client AS (
    SELECT eca__save(NULL, 2, (company__save(number, 2, name, NULL, NULL, NULL, 232, NULL, NULL)).entity_id, NULL, 0, false,
                     0, 0, 30, number, NULL, 'en', NULL, 'USD', '2024-01-01', NULL, 0,
                     (SELECT id FROM account WHERE accno = '1200'), NULL, NULL, NULL, NULL) AS id)
  SELECT eca__save_contact(id, class, 'accounts', email, NULL, NULL) FROM client
$$;

CREATE FUNCTION pg_temp.invoice(number text, client text, owed numeric, is_approved bool, is_on_hold bool) RETURNS void LANGUAGE sql AS $$
  WITH invoice AS (
    INSERT INTO ar (invnumber, transdate, duedate, amount, netamount, curr, approved, on_hold, entity_credit_account)
    SELECT number, '2024-03-01', '2024-03-31', owed, owed, 'USD', is_approved, is_on_hold, id
    FROM entity_credit_account WHERE meta_number = client
    RETURNING id)
  INSERT INTO acc_trans (trans_id, chart_id, amount, transdate, approved)
  SELECT invoice.id, account.id, line.amount, '2024-03-01', is_approved
  FROM invoice, (VALUES ('1200', -owed), ('4010', owed)) AS line (accno, amount) JOIN account USING (accno)
$$;

SELECT pg_temp.client('00124192', 'Harbor Freight & Sons', 12, 'accounts@harbor.example'),
       pg_temp.client('00124193', 'Meridian Bakery', 15, 'billing@meridian.example');
SELECT pg_temp.invoice('INV-1001', '00124192', 1250.00, true, false),
       pg_temp.invoice('INV-1002', '00124192', 80.50, true, false),
       pg_temp.invoice('INV-1003', '00124193', 99999.99, true, false),
       pg_temp.invoice('INV-1004', '00124193', 310.00, false, false),
       pg_temp.invoice('INV-1005', '00124193', 45.00, true, true);
